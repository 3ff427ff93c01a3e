"""A cloud in the lab: moto's EC2, SSM and STS over real HTTP, what moto lacks, faults on demand, and real machines.

    with Cloud() as cloud:                # the API alone: nothing boots, no Docker needed. Also the fixture `cloud`
    with Cloud(machines=True) as cloud:   # every machine is a host of the lab, reached by SSH at its private address

    cloud.endpoint, cloud.env                  # AWS_ENDPOINT_URL, keys, AWS_DEFAULT_REGION: for boto3 and for `runner`
    cloud.client("ec2", region="us-east-1")    # a boto3 client of this cloud, past the fault proxy and not recorded
    cloud.calls                                # every call that came in: service, action, region, params, status, error
    cloud.calls.of("RunInstances")             # those of one action; cloud.calls.clear()
    cloud.faults.add("RunInstances", "InsufficientInstanceCapacity", match={"InstanceType": "g6.xlarge"}, times=2)
    cloud.faults.add("RunInstances", LOST, after_success=True)        # done, but nobody is told: the connection closes
    cloud.faults.add("DescribeInstances", SILENCE, times=None)        # no answer at all, until the client gives up
    cloud.faults.deny("ec2:TerminateInstances")                       # UnauthorizedOperation, in a dry run too
    cloud.machines                             # [Instance of moto], all regions: id, state, tags, user_data, private_ip
    cloud.interrupt(id)                        # AWS takes a spot machine back; notice=True: only the notice
    cloud.lose(id)                             # the hardware died: terminated by AWS
    cloud.console(id, "command", …)            # as root on the machine, beside SSH
    cloud.quotas["L-DB2E81BA"] = 8             # vCPUs
    cloud.prices["g4dn.xlarge", "us-east-1"] = 0.526; cloud.spot_prices["g4dn.xlarge", "us-east-1a"] = 0.2

As AWS does it and moto alone does not (rules.py): states take their time (pending, stopping, shutting-down;
`machines=True` ties them to the host's own), ClientToken gives the same machine again or IdempotentParameterMismatch,
spot requests exist, a one-time spot machine cannot be stopped, a persistent one is launched again when it ends with its
request still active, unknown types and images are refused. A machine that powers itself off is stopped or terminated,
as it was told to.

Different from AWS: addresses are in the lab's network, whatever the subnet says, and the public one equals the private.
Security groups are kept but filter nothing. User data is applied by Debian's cloud-init; drivers of AWS' own images are
not there. Machine images: see images.py. Quotas and prices are what a test sets (answers.py). Credentials are not
checked: use `faults`.
"""

from tests.lab.cloud.cloud import Cloud
from tests.lab.cloud.faults import LOST, SILENCE, Call

__all__ = ["LOST", "SILENCE", "Call", "Cloud"]

"""Calls to AWS. boto3 takes a third of a second to import, so it is imported by the first call and not before."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from runner.errors import ProviderError
from runner.providers.aws import causes

CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 60
ATTEMPTS = 6
"""Of a call that AWS throttled or failed; with botocore's backoff that takes about half a minute."""
WORKERS = 16
T = TypeVar("T")


class Api:
    """One account, any region. Raises ProviderError, translated by `causes`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._session: Any = None
        self._clients: dict[tuple[str, str, int], Any] = {}
        self._making = threading.Lock()

    def call(self, region: str, operation: str, *, attempts: int = ATTEMPTS, **arguments: Any) -> dict[str, Any]:
        """One call to EC2. `attempts`: 1 where the caller itself decides what to do after a failure."""
        return self._guarded(
            operation, region, lambda: getattr(self._client("ec2", region, attempts), operation)(**arguments)
        )

    def pages(self, region: str, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
        """The items under `key` of all pages of a describing call to EC2."""

        def read() -> list[dict[str, Any]]:
            paginator = self._client("ec2", region, ATTEMPTS).get_paginator(operation)
            return [item for page in paginator.paginate(**arguments) for item in page.get(key, ())]

        return self._guarded(operation, region, read)

    def parameter(self, region: str, name: str) -> str:
        """The value of a public parameter of Systems Manager; empty when there is none of that name."""
        try:
            answer = self.ask("ssm", region, "get_parameter", Name=name)
        except ProviderError as error:
            if error.code == "parameter-not-found":
                return ""
            raise
        return str(answer["Parameter"]["Value"])

    def ask(self, service: str, region: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """One call to another service than EC2."""
        client = self._client(service, region, ATTEMPTS)
        return self._guarded(operation, region, lambda: getattr(client, operation)(**arguments), service)

    def all(self, service: str, region: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """The items under `key` of all pages of a call to another service than EC2."""

        def read() -> list[Any]:
            paginator = self._client(service, region, ATTEMPTS).get_paginator(operation)
            return [item for page in paginator.paginate(**arguments) for item in page.get(key, ())]

        return self._guarded(operation, region, read, service)

    def credentials(self, region: str) -> tuple[str, str]:
        """How they were found, in botocore's words, and the profile in use. Raises CredentialsError when none were."""
        from botocore.exceptions import NoCredentialsError

        def read() -> tuple[str, str]:
            session = self._opened_session()
            found = session.get_credentials()
            if found is None:
                raise NoCredentialsError
            return str(found.method), str(session.profile_name)

        return self._guarded("get_caller_identity", region, read, "sts")

    def each(self, regions: Sequence[str], ask: Callable[[str], T]) -> dict[str, T | ProviderError]:
        """Ask all regions at once: region → answer, or why there is none."""

        def guarded(region: str) -> T | ProviderError:
            try:
                return ask(region)
            except ProviderError as error:
                return error

        for region in regions:  # before the threads: making clients is not safe in several at once
            failure = self._opened(region)
            if failure is not None:
                return dict.fromkeys(regions, failure)
        if len(regions) == 1:
            return {regions[0]: guarded(regions[0])}
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            return dict(zip(regions, pool.map(guarded, regions), strict=True))

    def _opened(self, region: str) -> ProviderError | None:
        try:
            self._guarded("", region, lambda: self._client("ec2", region, ATTEMPTS))
        except ProviderError as error:
            return error
        return None

    @staticmethod
    def _guarded(operation: str, region: str, act: Callable[[], T], service: str = "ec2") -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return act()
        except (BotoCoreError, ClientError) as error:
            raise causes.translated(error, operation, region, service) from error

    def _client(self, service: str, region: str, attempts: int) -> Any:
        key = (service, region, attempts)
        with self._making:  # boto3 cannot make two at once
            if key not in self._clients:
                self._clients[key] = self._new_client(service, region, attempts)
            return self._clients[key]

    def _new_client(self, service: str, region: str, attempts: int) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=ANSWER_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": attempts},
            user_agent_extra="slipway",
            max_pool_connections=WORKERS,
        )
        endpoint = self._settings.get("endpoint") or None
        return self._opened_session().client(service, region_name=region, endpoint_url=endpoint, config=config)

    def _opened_session(self) -> Any:
        import boto3
        from botocore.session import get_session

        if self._session is None:
            core = get_session()
            core.register_component("data_loader", _descriptions())
            self._session = boto3.Session(botocore_session=core, profile_name=self._settings.get("profile") or None)
        return self._session


@cache
def _descriptions() -> Any:
    """What botocore knows of services: megabytes, which are read once in a process."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


def hinted() -> bool:
    """Whether anything on this machine looks like credentials of AWS. No network, no boto3."""
    if any(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")):
        return True
    places = (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
    return any(Path(os.environ.get(name) or Path.home() / ".aws" / file).is_file() for name, file in places)

#!/bin/sh
# What `runner reconcile` is measured against: the same notebook, the way a person would put it into a script.
#
#   by_hand.sh FOLDER PORT PYTHON     uv and supervisord must be in PATH
set -eu
folder=$1 port=$2 python=$3

mkdir -p "$folder/data"
uv venv --quiet --no-project --python "$python" "$folder/venv"
uv pip install --quiet --python "$folder/venv/bin/python" jupyterlab==4.6.6 jsonschema==4.24.0 pip==26.3

umask 077
mkdir -p "$folder/data/.jupyter/labconfig"
printf '%s\n' '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}' \
    >"$folder/data/.jupyter/labconfig/page_config.json"
token=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
cat >"$folder/supervisord.conf" <<END
[supervisord]
logfile=$folder/supervisord.log
pidfile=$folder/supervisord.pid

[unix_http_server]
file=$folder/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[program:notebook]
directory=$folder/data
environment=JUPYTER_TOKEN="$token",JUPYTER_CONFIG_PATH="$folder/data/.jupyter",PATH="$folder/venv/bin:%(ENV_PATH)s"
command=$folder/venv/bin/jupyter-lab --no-browser --ServerApp.ip=127.0.0.1 --ServerApp.port=$port
    --ServerApp.port_retries=0 --ServerApp.allow_root=True --LabApp.news_url=None
    --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
redirect_stderr=true
stdout_logfile=$folder/service.log
stopasgroup=true
killasgroup=true
END
supervisord -c "$folder/supervisord.conf"

tries=0
until [ "$(curl -s -o "$folder/answer" -w '%{http_code}' "http://127.0.0.1:$port/api")" = 200 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || { tail -n 20 "$folder/service.log"; exit 1; }
    sleep 0.1
done

# shellcheck shell=bash
# Keeps requests to this machine itself away from proxies: sets $no_proxies, to be exported or given to env. Sourced, never run.
#
# Node's fetch, where NODE_USE_ENV_PROXY is set, asks the proxy also for 127.0.0.1, unless a list says otherwise. Some programs
# go by the one list, some by the other.
# shellcheck disable=SC2034
no_proxies=(
  "NO_PROXY=127.0.0.1,localhost,${NO_PROXY:-${no_proxy:-}}"
  "no_proxy=127.0.0.1,localhost,${no_proxy:-${NO_PROXY:-}}"
)
no_proxies=("${no_proxies[@]%,}")

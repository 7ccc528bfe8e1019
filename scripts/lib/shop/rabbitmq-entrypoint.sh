#!/bin/sh
# The variables of the official image that the built-in profile sets: RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS, RABBITMQ_DEFAULT_VHOST.
set -eu
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=- RABBITMQ_CONFIG_FILE=/tmp/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins
{
  echo "default_user = ${RABBITMQ_DEFAULT_USER:-guest}"
  echo "default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}"
  echo "default_vhost = ${RABBITMQ_DEFAULT_VHOST:-/}"
} >"$RABBITMQ_CONFIG_FILE.conf"
echo "[]." >"$RABBITMQ_ENABLED_PLUGINS_FILE"
program=${1:-rabbitmq-server}
[ $# -gt 0 ] && shift
exec "/usr/lib/rabbitmq/bin/$program" "$@"

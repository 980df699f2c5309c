#!/usr/bin/env bash
# Makes what compose.yaml reads from secrets/ and changes nothing that is there:
# random passwords, and a certificate of its own for the names given.
#   ./setup.sh ganlin.example 10.0.0.5
set -euo pipefail
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

random() { openssl rand -hex 32; }
for name in influx_admin_password influx_token influx_grafana_password mqtt_password postgres_password grafana_admin_password; do
	[ -e "secrets/$name" ] || random >"secrets/$name"
done
[ -e secrets/metrics_token ] || : >secrets/metrics_token # README.md, step 4

if [ ! -e secrets/tls_key ]; then
	names="DNS:ganlin,DNS:mosquitto,DNS:localhost,IP:127.0.0.1"
	for name in "$@"; do
		case $name in
		*[!0-9.]*) names+=",DNS:$name" ;;
		*) names+=",IP:$name" ;;
		esac
	done
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 730 \
		-subj "/CN=ganlin" -addext "subjectAltName=$names" -keyout secrets/tls_key -out secrets/tls_cert 2>/dev/null
fi

# Mosquitto keeps passwords as hashes. Devices are added as README.md says.
if [ ! -e secrets/mosquitto_passwords ]; then
	printf 'ganlin:%s\n' "$(cat secrets/mqtt_password)" >secrets/mosquitto_passwords
	./hash-passwords.sh secrets/mosquitto_passwords
fi

# The folder is closed to others; in it, containers read as users of their own.
chmod 0444 secrets/*
chmod 0644 secrets/mosquitto_passwords secrets/metrics_token
chmod 0700 secrets

#!/bin/bash
# Runs once, when InfluxDB is new: a 1.x login for Grafana that can only read.
set -eu
bucket=$(influx bucket list --name "$DOCKER_INFLUXDB_INIT_BUCKET" --hide-headers | cut -f 1)
influx v1 auth create --username grafana --password "$(cat /run/secrets/influx_grafana_password)" --read-bucket "$bucket"

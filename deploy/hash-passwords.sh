#!/usr/bin/env bash
# Turns the name:password lines of a file into Mosquitto's hashes, in place.
set -euo pipefail
file=$1
program=$(command -v mosquitto_passwd || true)
if [ -n "$program" ]; then
	"$program" -U "$file"
else
	folder=$(cd "$(dirname "$file")" && pwd)
	docker run --rm --user "$(id -u):$(id -g)" -v "$folder:/passwords" eclipse-mosquitto:2.0.22 mosquitto_passwd -U "/passwords/$(basename "$file")"
fi

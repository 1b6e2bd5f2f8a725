#!/usr/bin/env bash
# Install Slurm and munge where that is possible: Debian or Ubuntu, as root. Nothing is started or configured here;
# tests/slurm/conftest.py does that in a temporary folder. Elsewhere this says why not, and the test skips itself.
set -euo pipefail

if command -v slurmctld slurmd munged > /dev/null; then
    exit 0
elif [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "no Slurm installed: that takes apt-get and root"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -qq --no-install-recommends slurm-wlm munge > /dev/null; }; then
    echo "no Slurm installed: apt-get could not get slurm-wlm and munge"
fi

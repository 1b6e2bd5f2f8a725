"""A real Slurm of one node with one make-believe GPU, on loopback, all of it in a temporary folder."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

PROGRAMS = ("slurmctld", "slurmd", "munged", "srun", "sbatch", "squeue", "scancel")
# Debian keeps daemons where only root's PATH looks.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
START_SECONDS = 60

SLURM_CONF = """
ClusterName=daenr
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=gpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    """Ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write_configuration(folder):
    """Slurm's configuration, a key for munge, and a GPU that is /dev/null."""
    node = dict(word.split("=") for word in subprocess.check_output(["slurmd", "-C"], text=True).split()[:7])
    controller_port, node_port = free_ports(2)
    (folder / "slurm.conf").write_text(
        SLURM_CONF.format(
            folder=folder,
            host=node["NodeName"],
            cpus=node["CPUs"],
            memory=int(node["RealMemory"]) // 2,
            controller_port=controller_port,
            node_port=node_port,
        )
    )
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    # A job's step is started without SLURM_CONF, since the plugin removes every SLURM_ variable for it.
    srun = folder / "bin/srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)


def daemons(folder):
    """Commands that stay in the foreground, so that each is one process of ours."""
    munge = [f"--{name}={folder}/munge.{name.removesuffix('-file')}" for name in ("key-file", "socket")]
    munge += [f"--{name}-file={folder}/munged.{name}" for name in ("pid", "seed", "log")]
    return [["munged", "--foreground", *munge], ["slurmctld", "-D"], ["slurmd", "-D"]]


def wait_until_idle():
    """Wait for the node; Slurm's own log says what is wrong if it does not come."""
    for _ in range(START_SECONDS):
        states = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False)
        if states.stdout.strip() == "idle":
            return
        time.sleep(1)
    raise TimeoutError(f"Slurm's node is not idle after {START_SECONDS} s: {states.stdout}{states.stderr}")


@pytest.fixture(scope="session")
def slurm():
    """Start Slurm, and stop the very processes that were started."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]:
        pytest.skip(f"no {', '.join(missing)} here; tests/slurm/install.sh installs Slurm on Debian as root")
    if os.getuid() != 0:
        pytest.skip("Slurm's daemons are started as root")
    with pytest.MonkeyPatch.context() as patch:
        # Not pytest's folder, which only root may enter: munge wants its socket open to all.
        folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
        folder.chmod(0o755)
        patch.setenv("PATH", PATH)
        write_configuration(folder)
        patch.setenv("PATH", f"{folder}/bin:{PATH}")
        patch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        processes = []
        try:
            for command in daemons(folder):
                with (folder / f"{command[0]}.out").open("w") as output:
                    processes.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT))
                time.sleep(1)
            wait_until_idle()
            yield folder
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait(30)
            shutil.rmtree(folder)

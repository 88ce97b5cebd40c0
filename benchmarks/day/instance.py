"""The installation of the day: that of the fault proofs, with one or two web processes behind the proxy."""

import sys

from benchmarks.faults.instance import Instance, free_port
from benchmarks.scratch import ROOT

# One building's address: everybody of the office comes from here. The proxy is told, as an operator would.
OFFICE_ADDRESS = "127.0.10.1"


class DayInstance(Instance):
    """Each web process is a gunicorn of its own, as another container would be."""

    def __init__(self) -> None:
        super().__init__()
        self.web_processes = 1
        self.second_port = free_port()

    @property
    def production(self) -> dict[str, str]:
        """One process per gunicorn, so that the second one shows what a second one brings."""
        return {**super().production, "WEB_WORKERS": "1", "WEB_THREADS": "4"}

    def start_proxy(self) -> None:
        """The office's network is known to it, as deploy/nginx/start.sh makes it known."""
        work = self.folder / "nginx-work"
        super().start_proxy()
        (work / "shared_networks.conf").write_text(f"{OFFICE_ADDRESS}/32 1;\n")
        self.use_web_processes(1)

    def start_second_web(self) -> None:
        """A second gunicorn on a port of its own; the proxy sends requests to both."""
        command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "config" / "gunicorn.py")]
        bind = {"WEB_BIND": f"127.0.0.1:{self.second_port}"}
        self._spawn("web2", [*command, "config.wsgi:application"], {**self.production, **bind})
        self.use_web_processes(2)

    def use_web_processes(self, count: int) -> None:
        """Tells the proxy where the web processes are."""
        import signal

        self.web_processes = count
        ports = (self.web_port, self.second_port)[:count]
        servers = "".join(f"server 127.0.0.1:{port};\n" for port in ports)
        (self.folder / "nginx-work" / "upstream.conf").write_text(servers)
        if "proxy" in self.parts:
            self.parts["proxy"].send_signal(signal.SIGHUP)

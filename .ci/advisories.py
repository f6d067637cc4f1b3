"""Check the installed packages for known advisories with pip-audit, and report what was skipped.

Run by ``make audit``. If the advisories cannot be reached, pip-audit skips one package after the
other and ends as if all were well; this says so and fails.

Exit status: 0 if no advisory was found, 1 for an advisory, 2 if nothing was checked.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(pip_audit: str, folder: str) -> int:
    """Check the packages in a folder.

    Args:
        pip_audit: the program.
        folder: a ``site-packages``.
    """
    command = [pip_audit, "--path", folder, "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        print(f"Nothing was checked: {last}")  # noqa: T201
        return 2
    checked = [package for package in packages if "skip_reason" not in package]
    found = [package for package in checked if package["vulns"]]
    for package in found:
        for one in package["vulns"]:
            fixed = ", ".join(one.get("fix_versions", ())) or "no version yet"
            print(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixed}")  # noqa: T201
    print(  # noqa: T201
        f"{len(checked)} of {len(packages)} packages were checked, {len(found)} with an advisory."
    )
    if not checked:
        print("The advisories cannot be reached from here: nothing was checked.")  # noqa: T201
        return 2
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

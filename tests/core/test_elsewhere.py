"""Folders whose files do not stay on this computer: network drives, and what is copied elsewhere."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_agent.core.elsewhere import elsewhere, mounted, table
from capture_agent.desktop.mounts import mounted_on_macos

HOME = PurePosixPath("/home/ada/.local/share/capture-agent/held")
NETWORK = [name for entry in table()["network"] for name in entry["types"]]
FUSE = ["fuse", "fuse.sshfs", "fuse.rclone", "fuse.gvfsd-fuse", "fuse.onedriver", "fuse.what-nobody-knows"]
LOCAL = ["ext4", "btrfs", "xfs", "zfs", "tmpfs", "overlay", "ecryptfs", "fuseblk", "vfat", "apfs", "", "fuse.gocryptfs"]


def nothing(_folder, _name):
    return False


@pytest.mark.promise("P4")
@pytest.mark.parametrize("kind", NETWORK + FUSE)
def test_a_network_drive_is_refused_and_named(kind):
    assert kind in elsewhere(HOME, kind, nothing).said()


@pytest.mark.parametrize("kind", LOCAL)
def test_a_disk_of_this_computer_is_not(kind):
    assert elsewhere(HOME, kind, nothing) is None


@pytest.mark.promise("P4")
@pytest.mark.parametrize(
    ("folder", "who"),
    [
        ("/home/ada/Dropbox/held", "Dropbox"),
        ("/home/ada/Dropbox (Lab)/x/held", "Dropbox"),
        ("/home/ada/OneDrive - Lab/held", "OneDrive"),
        ("/Users/ada/Library/CloudStorage/Somebody/held", "a cloud service"),
        ("/Users/ada/Library/CloudStorage/GoogleDrive-ada@example.org/held", "Google Drive"),
        ("/Users/ada/Library/Mobile Documents/held", "iCloud Drive"),
        ("/home/ada/Nextcloud/held", "Nextcloud"),
    ],
)
def test_a_folder_that_is_copied_elsewhere_is_known_by_its_name(folder, who):
    assert elsewhere(PurePosixPath(folder), "ext4", nothing).name == who


def test_a_roaming_profile_is_no_place_of_this_computer():
    roaming = PureWindowsPath("C:/Users/ada/AppData/Roaming/capture-agent/held")
    assert "roaming" in elsewhere(roaming, "", nothing).said()
    assert elsewhere(PureWindowsPath("C:/Users/ada/AppData/Local/capture-agent/held"), "", nothing) is None


MARKS = [(entry["name"], name) for entry in table()["synced"] for name in entry["inside"]]


@pytest.mark.promise("P4")
@pytest.mark.parametrize(("who", "mark"), MARKS)
@pytest.mark.parametrize("place", [HOME, *HOME.parents])
def test_and_by_what_lies_in_it_or_in_any_folder_above(who, mark, place):
    assert elsewhere(HOME, "ext4", lambda folder, name: (folder, name) == (place, mark)).name == who


def test_every_entry_has_a_source_and_no_type_is_both_here_and_elsewhere():
    assert all(entry["source"] for entries in table().values() for entry in entries)
    assert not set(NETWORK) & set(LOCAL)


MOUNTS = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:40 / /home rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
41 40 0:41 / /home/ada/my\\040disk rw - ext4 /dev/sdb rw
42 40 0:42 / /home/eve rw - ext4 /dev/sdc rw
43 42 0:43 / /home/eve rw master:2 propagate_from:1 - fuse.sshfs eve@host: rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/held", "ext4"),
        ("/home", "nfs4"),
        ("/home/ada/held", "nfs4"),
        ("/home/ada/my disk/held", "ext4"),
        ("/homes/held", "ext4"),
        ("/home/eve/held", "fuse.sshfs"),  # the later one hides the other
    ],
)
def test_the_file_system_is_that_of_the_deepest_mount(folder, kind):
    assert mounted(PurePosixPath(folder), MOUNTS) == kind


def test_macos_is_asked_by_what_mount_says():
    said = "/dev/disk3s1 on / (apfs, sealed, local)\n//ada@server/a (b) on /Volumes/a (b) (smbfs, nodev, nosuid)\n"
    assert mounted_on_macos(PurePosixPath("/Users/ada"), said) == "apfs"
    assert mounted_on_macos(PurePosixPath("/Volumes/a (b)/held"), said) == "smbfs"


@given(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), max_size=6), st.sampled_from(LOCAL))
def test_an_ordinary_folder_on_an_ordinary_disk_is_never_refused(parts, kind):
    assert elsewhere(PurePosixPath("/", *parts), kind, nothing) is None

"""A Linux host: this machine, without any credential, or an image below a folder."""

from collectors.linux.target import FileState, FileText, LinuxConnection, LinuxTarget, Output

__all__ = ["FileState", "FileText", "LinuxConnection", "LinuxTarget", "Output"]

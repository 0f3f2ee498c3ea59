"""What can go wrong with the store, each with what happened, where, and what to do."""

from __future__ import annotations


class StoreError(Exception):
    """Base of every error of this room."""


class StoreMissingError(StoreError):
    """There is no store at the path, and creating one was not asked for."""


class NewerSchemaError(StoreError):
    """The store was written by a newer release than this one."""


class LockedError(StoreError):
    """Another process held the store longer than the busy timeout."""


class DiskFullError(StoreError):
    """The store could not grow; nothing of the transaction was kept."""


class ReadOnlyError(StoreError):
    """The store's file or folder cannot be written."""


class CorruptStoreError(StoreError):
    """The file is no store, or contradicts itself where that had to be relied upon."""


class CacheError(StoreError):
    """The cached state of a target does not reproduce its last entry."""


class KeyMissingError(StoreError):
    """A key file beside the store is missing, unreadable, or belongs to another store."""


class StaleSweepError(StoreError):
    """The record belongs to a sweep that is closed, or older than the target's last."""


class RecordError(StoreError):
    """What was handed in contradicts itself or the plan; nothing was recorded."""


class NotFoundError(StoreError):
    """The store holds no such entry, attachment or resource."""


class OutsideError(StoreError):
    """A holder of checkpoints or a time-stamping authority could not be asked, or said nonsense."""


class RolledBackError(StoreError):
    """What others hold is ahead of the ledger, or not of it: going on would make a fork."""


class UnreachableError(StoreError):
    """The database server cannot be reached, or ended the connection; nothing is half recorded."""


class NotAllowedError(StoreError):
    """The database account lacks a right that this needs."""


class DriverMissingError(StoreError):
    """The package that speaks to the database server is not installed."""


class RetentionError(StoreError):
    """Evidence would be let go too early, or a decision about keeping it does not apply."""

"""SQL that brings an event store from one version of its tables to the next."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        run TEXT PRIMARY KEY,
        began REAL NOT NULL,
        ended REAL NOT NULL,
        version TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE cameras (
        run TEXT NOT NULL, camera TEXT NOT NULL,
        began REAL NOT NULL,
        PRIMARY KEY (run, camera)
    ) WITHOUT ROWID;
    CREATE TABLE visits (
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER NOT NULL,
        first_seen REAL NOT NULL,
        seconds REAL NOT NULL,
        state TEXT NOT NULL,
        certainty REAL NOT NULL,
        is_still INTEGER NOT NULL,
        is_over INTEGER NOT NULL,
        PRIMARY KEY (run, camera, track_id)
    ) WITHOUT ROWID;
    CREATE INDEX visits_by_time ON visits (first_seen);
    CREATE TABLE changes (
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER NOT NULL,
        time REAL NOT NULL,
        previous TEXT NOT NULL,
        state TEXT NOT NULL,
        certainty REAL NOT NULL,
        PRIMARY KEY (run, camera, track_id, time, state)
    ) WITHOUT ROWID;
    CREATE INDEX changes_by_time ON changes (time);
    CREATE TABLE crossings (
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER NOT NULL,
        line TEXT NOT NULL,
        direction TEXT NOT NULL,
        time REAL NOT NULL,
        state TEXT NOT NULL,
        certainty REAL NOT NULL,
        PRIMARY KEY (run, camera, track_id, line, direction, time)
    ) WITHOUT ROWID;
    CREATE INDEX crossings_by_time ON crossings (time);
    CREATE TABLE stays (
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER NOT NULL,
        zone TEXT NOT NULL,
        time REAL NOT NULL,
        seconds REAL NOT NULL,
        state TEXT NOT NULL,
        certainty REAL NOT NULL,
        is_over INTEGER NOT NULL,
        PRIMARY KEY (run, camera, track_id, zone, time)
    ) WITHOUT ROWID;
    CREATE INDEX stays_by_time ON stays (time);
    CREATE TABLE minutes (
        run TEXT NOT NULL, camera TEXT NOT NULL, minute INTEGER NOT NULL, part INTEGER NOT NULL,
        frames INTEGER NOT NULL,
        up_s REAL NOT NULL,
        peak INTEGER NOT NULL,
        with_mask_s REAL NOT NULL,
        without_mask_s REAL NOT NULL,
        mask_weared_incorrect_s REAL NOT NULL,
        unsure_s REAL NOT NULL,
        PRIMARY KEY (run, camera, minute, part)
    ) WITHOUT ROWID;
    CREATE INDEX minutes_by_time ON minutes (minute);
    """,
    """
    CREATE TABLE alarms (
        alarm_id TEXT PRIMARY KEY,
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER,
        rule TEXT NOT NULL,
        kind TEXT NOT NULL,
        began REAL NOT NULL,
        changed REAL NOT NULL,
        cleared REAL,
        title TEXT NOT NULL,
        people INTEGER NOT NULL,
        states TEXT NOT NULL,
        place TEXT NOT NULL,
        repeats INTEGER NOT NULL,
        muted TEXT NOT NULL,
        snapshot TEXT NOT NULL,
        clip TEXT NOT NULL,
        acknowledged REAL,
        acknowledged_by TEXT NOT NULL,
        delivered REAL
    ) WITHOUT ROWID;
    CREATE INDEX alarms_by_time ON alarms (began);
    CREATE TABLE deliveries (
        delivery_id TEXT PRIMARY KEY,
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER,
        channel TEXT NOT NULL,
        time REAL NOT NULL,
        message TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX deliveries_by_time ON deliveries (time);
    """,
    """
    CREATE TABLE snoozes (
        rule TEXT NOT NULL, camera TEXT NOT NULL,
        until REAL NOT NULL,
        PRIMARY KEY (rule, camera)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        item TEXT NOT NULL UNIQUE,
        run TEXT NOT NULL, camera TEXT NOT NULL, track_id INTEGER,
        time REAL NOT NULL,
        message TEXT NOT NULL
    );
    CREATE INDEX outbox_by_time ON outbox (time);
    CREATE TABLE collections (
        stream TEXT PRIMARY KEY,
        consumer TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE pauses (
        run TEXT NOT NULL, camera TEXT NOT NULL,
        time REAL NOT NULL,
        seconds REAL NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (run, camera, time)
    ) WITHOUT ROWID;
    CREATE INDEX pauses_by_time ON pauses (time);
    """,
    """
    ALTER TABLE visits ADD COLUMN reason TEXT;
    ALTER TABLE stays ADD COLUMN reason TEXT;
    """,
)
"""Each brings a store from one version to the next; `user_version` counts those applied.

A published one is never changed: what comes later is appended. docs/privacy.md has the columns.
"""

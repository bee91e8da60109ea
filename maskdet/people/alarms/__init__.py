"""Rules of alarms: pure, decided on values and on times that the caller gives."""

"""From the stats files of many subjects to a group study."""

"""Bringing a clip home: download, media hosts, and the file it becomes."""

"""The worker beside the real drivers: what they write and what they read must be the same."""

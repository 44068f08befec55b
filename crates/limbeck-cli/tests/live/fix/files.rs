//! Files that are replaced, kept and put back.

//! Parameters and results of the methods, one file a family.

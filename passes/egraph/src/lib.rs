//! dlc-egraph.

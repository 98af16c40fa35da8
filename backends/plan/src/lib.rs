//! dlc-plan.

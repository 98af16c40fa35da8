//! dlc-models.

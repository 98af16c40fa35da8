//! An artifact: opened or refused. The checksums are made to fit, so that what lies behind them is reached; no code runs.
#![no_main]

use dlc_artifact::{Image, file};

/// Bytes before the table, and of one of its entries.
const PREFIX: usize = 16;
const ENTRY: usize = 24;
const HEADER: usize = PREFIX + 4 * ENTRY;

/// The file with every checksum that which its bytes have.
fn sealed(data: &[u8]) -> Option<Vec<u8>> {
    let mut file = data.to_vec();
    file.get_mut(..8)?.copy_from_slice(&file::MAGIC);
    file.get_mut(8..12)?.copy_from_slice(&file::VERSION.to_le_bytes());
    for at in (PREFIX..HEADER).step_by(ENTRY) {
        let word = |at: usize| Some(u64::from_le_bytes(file.get(at..at + 8)?.try_into().ok()?));
        let (offset, len) = (word(at)?, word(at + 8)?);
        let range = usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(len)?).ok()?;
        let crc = crc32fast::hash(file.get(range)?);
        file.get_mut(at + 16..at + 20)?.copy_from_slice(&crc.to_le_bytes());
    }
    let crc = crc32fast::hash(file.get(PREFIX..HEADER)?);
    file.get_mut(12..16)?.copy_from_slice(&crc.to_le_bytes());
    Some(file)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assert!(Image::from_bytes(data.to_vec().into()).is_err() || data.len() > HEADER);
    let Some(file) = sealed(data) else { return };
    let Ok(image) = Image::from_bytes(file.into()) else { return };
    let symbols = image.program.symbols.clone();
    let Ok(model) = dlc_runtime::Model::from_image(image) else { return };
    let _ = (model.inputs(), model.outputs());
    let sizes: Vec<(&str, i64)> = symbols.iter().map(|s| (s.as_str(), 3)).collect();
    let _ = model.planned_bytes(&sizes);
});

use arrow::array::{
    BooleanArray, DictionaryArray, Int64Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{DataType, Int32Type, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;

use super::super::order;
use super::*;

/// A row as the test thinks of it: small numbers become words, texts and lists.
#[derive(Debug, Clone)]
struct Cells {
    key: Option<u8>,
    minute: u16,
    word: u8,
    spread: Option<u32>,
    text: Option<u8>,
    list: Vec<u8>,
    flag: Option<bool>,
    number: Option<i64>,
}

fn schema() -> SchemaRef {
    let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let item = Arc::new(Field::new("item", DataType::Utf8, false));
    Arc::new(Schema::new(vec![
        Field::new("key_id", word.clone(), true),
        Field::new("event_time", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("word", word.clone(), false),
        Field::new("spread", word, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("list", DataType::List(item), false),
        Field::new("flag", DataType::Boolean, true),
        Field::new("number", DataType::Int64, true),
    ]))
}

fn name(number: u32) -> String {
    // Some names are longer than what is kept as a statistic.
    format!("ключ-{number}{}", "x".repeat(number as usize % 7 * 60))
}

fn words(values: impl Iterator<Item = Option<u32>>) -> ArrayRef {
    let names: Vec<Option<String>> = values.map(|value| value.map(name)).collect();
    Arc::new(names.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())
}

fn batch(rows: &[Cells]) -> RecordBatch {
    let times = rows.iter().map(|row| i64::from(row.minute) * 60_000_000);
    let texts = rows.iter().map(|row| row.text.map(|text| name(text.into())));
    let item = Field::new("item", DataType::Utf8, false);
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(item);
    for row in rows {
        lists.append_value(row.list.iter().map(|word| Some(format!("w{word}"))));
    }
    let columns: Vec<ArrayRef> = vec![
        words(rows.iter().map(|row| row.key.map(u32::from))),
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        words(rows.iter().map(|row| Some(u32::from(row.word)))),
        words(rows.iter().map(|row| row.spread)),
        Arc::new(texts.collect::<StringArray>()),
        Arc::new(lists.finish()),
        Arc::new(rows.iter().map(|row| row.flag).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.number).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn cells() -> impl Strategy<Value = Cells> {
    (
        (prop::option::of(0..4_u8), 0..1440_u16, 0..3_u8, prop::option::of(any::<u32>())),
        (
            prop::option::of(any::<u8>()),
            prop::collection::vec(0..4_u8, 0..4),
            prop::option::of(any::<bool>()),
            any::<Option<i64>>(),
        ),
    )
        .prop_map(|((key, minute, word, spread), (text, list, flag, number))| Cells {
            key,
            minute,
            word,
            spread,
            text,
            list,
            flag,
            number,
        })
}

/// Writes the first day of `batches`, and returns the file and the rows it should hold.
fn write(batches: &[RecordBatch]) -> (Bytes, RecordBatch) {
    let (_, rows) = order::by_day(batches).pop_first().unwrap();
    let mut file = Vec::new();
    Columns::of(&schema(), batches).write(&rows, &mut file).unwrap();
    let places: Vec<_> = rows.iter().map(|row| (row.batch as usize, row.row as usize)).collect();
    let expected = interleave_record_batch(&batches.iter().collect::<Vec<_>>(), &places).unwrap();
    (file.into(), expected)
}

fn read(file: Bytes) -> RecordBatch {
    let options = ArrowReaderOptions::new().with_schema(schema());
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema(), &batches).unwrap()
}

fn shown(batch: &RecordBatch) -> String {
    arrow::util::pretty::pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_rows_read_back_as_written(
        batches in prop::collection::vec(prop::collection::vec(cells(), 0..60), 1..4)
            .prop_filter("rows", |batches| batches.iter().any(|rows| !rows.is_empty()))
    ) {
        let batches: Vec<_> = batches.iter().map(|rows| batch(rows)).collect();
        let (file, expected) = write(&batches);
        prop_assert_eq!(shown(&read(file)), shown(&expected));
    }
}

/// Rows that fill several pages, with constant, absent, rare and random values.
fn many(rows: u32) -> Vec<Cells> {
    let cells = |row: u32| {
        let mixed = row.wrapping_mul(2_654_435_761) >> 7;
        Cells {
            key: (!mixed.is_multiple_of(11)).then_some((mixed % 5) as u8),
            minute: (row % 1440) as u16,
            word: 1,
            spread: (row / 9_000).is_multiple_of(2).then_some(mixed),
            text: None,
            list: (0..mixed % 4).map(|word| word as u8).collect(),
            flag: (!mixed.is_multiple_of(3)).then_some(mixed.is_multiple_of(2)),
            number: Some(row.into()),
        }
    };
    (0..rows).map(cells).collect()
}

#[test]
fn rows_over_many_pages_read_back_as_written() {
    let rows = many(40_000);
    let batches: Vec<_> = rows.chunks(7_000).map(batch).collect();
    let (file, expected) = write(&batches);
    assert_eq!(shown(&read(file.clone())), shown(&expected));
    let reader = SerializedFileReader::new(file).unwrap();
    let group = reader.metadata().row_group(0);
    let bounds = group.column(2).statistics().unwrap();
    assert_eq!(
        (bounds.min_bytes_opt(), bounds.max_bytes_opt()),
        (Some(name(1).as_bytes()), Some(name(1).as_bytes()))
    );
    let text = group.column(4).statistics().unwrap();
    assert_eq!(text.null_count_opt(), Some(40_000), "the footer says that there is no text at all");
    assert_eq!(group.sorting_columns().unwrap().len(), 2);
}

#[test]
fn a_column_of_one_value_takes_one_page_and_an_absent_one_next_to_nothing() {
    let rows = many(40_000);
    let (file, _) = write(&[batch(&rows)]);
    let reader = SerializedFileReader::new(file).unwrap();
    let group = reader.metadata().row_group(0);
    assert!(group.column(2).compressed_size() < 200, "{}", group.column(2).compressed_size());
    assert!(group.column(4).compressed_size() < 1_000, "{}", group.column(4).compressed_size());
}

#[test]
fn the_filter_of_a_file_knows_its_keys_and_no_other_days() {
    let day = |row: &Cells, key| Cells { key: Some(key), ..row.clone() };
    let rows = many(2);
    let mut later = batch(&[day(&rows[1], 2)]);
    let times = TimestampMicrosecondArray::from_iter_values([order::DAY]).with_timezone("UTC");
    let mut columns = later.columns().to_vec();
    columns[1] = Arc::new(times);
    later = RecordBatch::try_new(schema(), columns).unwrap();
    let batches = [batch(&[day(&rows[0], 1)]), later];
    let days = order::by_day(&batches);
    assert_eq!(days.keys().copied().collect::<Vec<_>>(), [0, 1]);
    let filter = Columns::of(&schema(), &batches).write(&days[&1], Vec::new()).unwrap();
    let knows = |number| super::super::key_filter::may_hold(&filter, "key_id", &name(number));
    assert!(knows(2) && !knows(1));
}

#[test]
fn numbers_and_flags_that_are_the_same_all_over_read_back_as_written() {
    for (flag, number) in [(Some(true), Some(7)), (Some(false), Some(-1)), (None, None)] {
        let same =
            |(place, row): (usize, Cells)| Cells { flag, number, text: Some((place % 251) as u8), ..row };
        let rows: Vec<_> = many(5_000).into_iter().enumerate().map(same).collect();
        let batches: Vec<_> = rows.chunks(1_700).map(batch).collect();
        let (file, expected) = write(&batches);
        assert_eq!(shown(&read(file.clone())), shown(&expected));
        let reader = SerializedFileReader::new(file).unwrap();
        let number = reader.metadata().row_group(0).column(7).statistics().unwrap();
        assert_eq!(number.min_bytes_opt(), number.max_bytes_opt());
        assert!(number.min_bytes_opt().is_some() || number.null_count_opt() == Some(5_000));
    }
}

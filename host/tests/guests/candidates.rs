//! A candidate set of three titles, written byte by byte as the schema says.

/// Titles 1, 2 and 3 without rows.
pub(crate) fn three_titles() -> Vec<u8> {
    let tensors: [(&str, &str, &[usize], Vec<u8>); 11] = [
        ("title_id", "U32", &[3], u32s(&[1, 2, 3])),
        (
            "popularity",
            "F32",
            &[3],
            [3.0_f32, 2.0, 1.0].iter().flat_map(|views| views.to_le_bytes()).collect(),
        ),
        ("maturity", "U8", &[3], vec![0; 3]),
        ("year", "U16", &[3], vec![0; 6]),
        ("genres", "U32", &[3], u32s(&[1, 1, 1])),
        ("window_from_s", "U64", &[3], u64s(&[0, 0, 0])),
        ("window_until_s", "U64", &[3], u64s(&[u64::MAX; 3])),
        ("row_offset", "U32", &[4], u32s(&[0; 4])),
        ("row_index", "U32", &[0], Vec::new()),
        ("row_weight", "I8", &[0], Vec::new()),
        ("row_scale_log2", "I8", &[3], vec![0; 3]),
    ];
    let mut header =
        String::from(r#"{"__metadata__":{"schema":"frontrow-candidates-1","region":"eu","genres":"drama"}"#);
    let mut body = Vec::new();
    for (name, kind, shape, bytes) in &tensors {
        let from = body.len();
        body.extend_from_slice(bytes);
        header.push_str(&format!(
            r#","{name}":{{"dtype":"{kind}","shape":{shape:?},"data_offsets":[{from},{}]}}"#,
            body.len()
        ));
    }
    header.push('}');
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(&body);
    file
}

fn u32s(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn u64s(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

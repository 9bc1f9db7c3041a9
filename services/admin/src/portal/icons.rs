//! Icons, drawn by lines in a square of 24.

/// The icon of this name.
pub(crate) fn icon(name: &str) -> &'static str {
    macro_rules! drawn {
        ($($name:literal: $lines:literal;)*) => {
            match name {
                $($name => concat!(
                    r#"<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">"#,
                    $lines,
                    "</svg>"
                ),)*
                _ => {
                    debug_assert!(false, "there is no icon {name}");
                    ""
                }
            }
        };
    }
    drawn! {
        "jar": r#"<path d="M8 3h8v2.5c2.5 1 4 3.3 4 6.5 0 5-3 9-8 9s-8-4-8-9c0-3.2 1.5-5.5 4-6.500z"/><path d="M7 5.500h10"/><path d="M4.3 12.500c2.5 1.5 5 2 7.7 2s5.2-.5 7.7-2"/>"#;
        "grid": r#"<rect x="4" y="4" width="6.5" height="6.5" rx="1.5"/><rect x="13.5" y="4" width="6.5" height="6.5" rx="1.5"/><rect x="4" y="13.5" width="6.5" height="6.5" rx="1.5"/><rect x="13.5" y="13.5" width="6.5" height="6.5" rx="1.5"/>"#;
        "spark": r#"<path d="M12 3l1.8 5.200L19 10l-5.2 1.800L12 17l-1.8-5.200L5 10l5.2-1.800z"/><path d="M18.5 15.500l.8 2.2 2.2.8-2.2.8-.8 2.2-.8-2.2-2.2-.8 2.2-.8z"/>"#;
        "people": r#"<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6"/><path d="M16 4.800a3.5 3.5 0 010 6.4"/><path d="M18 14.500c2.1.8 3.5 2.7 3.5 5.5"/>"#;
        "person": r#"<circle cx="12" cy="8" r="3.75"/><path d="M4.5 20.500c0-4 3.3-6.5 7.5-6.500s7.5 2.5 7.5 6.5"/>"#;
        "key": r#"<circle cx="8" cy="15.5" r="4.5"/><path d="M11.3 12.200L20 3.500M16.5 7l3 3"/>"#;
        "chart": r#"<path d="M4 20V4"/><path d="M4 20h16"/><path d="M8 16v-5M12.5 16V7M17 16v-8"/>"#;
        "tasks": r#"<path d="M4 6.500l1.5 1.500L8 5M4 13l1.5 1.500L8 11.500M4 19.500L5.5 21 8 18"/><path d="M11.5 6.500H20M11.5 13H20M11.5 19.500H20"/>"#;
        "building": r#"<path d="M5 21V5a2 2 0 012-2h7a2 2 0 012 2v16"/><path d="M16 9h2a2 2 0 012 2v10M3 21h18M9 7.500h3M9 11.500h3M9 15.500h3"/>"#;
        "box": r#"<path d="M12 3l8 4.500v9L12 21l-8-4.500v-9z"/><path d="M4 7.500l8 4.5 8-4.500M12 12v9"/>"#;
        "search": r#"<circle cx="11" cy="11" r="6.5"/><path d="M20 20l-4.3-4.3"/>"#;
        "plus": r#"<path d="M12 5v14M5 12h14"/>"#;
        "check": r#"<path d="M5 12.500l4.5 4.500L19 7"/>"#;
        "cross": r#"<path d="M6 6l12 12M18 6L6 18"/>"#;
        "copy": r#"<rect x="8.5" y="8.5" width="11.5" height="11.5" rx="2"/><path d="M15.5 8.500V6a2 2 0 00-2-2H6a2 2 0 00-2 2v7.500a2 2 0 002 2h2.5"/>"#;
        "upload": r#"<path d="M12 16V4M7 9l5-5 5 5"/><path d="M4 16v2.500A1.5 1.5 0 005.5 20h13a1.5 1.5 0 001.5-1.500V16"/>"#;
        "moon": r#"<path d="M20 14.500A8.5 8.5 0 119.5 4a7 7 0 0010.5 10.500z"/>"#;
        "sun": r#"<circle cx="12" cy="12" r="4"/><path d="M12 2.500V5M12 19v2.500M2.5 12H5M19 12h2.500M5.3 5.300L7 7M17 17l1.7 1.700M5.3 18.700L7 17M17 7l1.7-1.7"/>"#;
        "menu": r#"<path d="M4 7h16M4 12h16M4 17h16"/>"#;
        "chevron": r#"<path d="M7 10l5 5 5-5"/>"#;
        "arrow": r#"<path d="M5 12h14M13 6l6 6-6 6"/>"#;
        "warning": r#"<path d="M12 4l9 16H3z"/><path d="M12 10v4.500M12 17.200v.1"/>"#;
        "info": r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8v.1"/>"#;
        "trash": r#"<path d="M4 6.500h16M9.5 6.500V4h5v2.500M6.5 6.500l1 13.500h9l1-13.500M10 10.500v6M14 10.500v6"/>"#;
        "clock": r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>"#;
        "file": r#"<path d="M6 3h8l5 5v13H6z"/><path d="M14 3v5h5"/>"#;
        "gear": r#"<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.600l2.1 2.100M16.3 16.300l2.1 2.100M5.6 18.400l2.1-2.100M16.3 7.700l2.1-2.1"/>"#;
        "layers": r#"<path d="M12 3l9 5-9 5-9-5z"/><path d="M3 12.500l9 5 9-5M3 17l9 4.5 9-4.5"/>"#;
        "out": r#"<path d="M14 4h4a2 2 0 012 2v12a2 2 0 01-2 2h-4M9 16l-4-4 4-4M5 12h10"/>"#;
        "mail": r#"<rect x="3.5" y="5" width="17" height="14" rx="2"/><path d="M4 7l8 6 8-6"/>"#;
        "dots": r#"<path d="M5.5 12h.1M12 12h.1M18.5 12h.1"/>"#;
        "language": r#"<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.500c2.5 2.3 3.7 5.1 3.7 8.500s-1.2 6.2-3.7 8.500c-2.5-2.3-3.7-5.1-3.7-8.500s1.2-6.2 3.7-8.500z"/>"#;
    }
}

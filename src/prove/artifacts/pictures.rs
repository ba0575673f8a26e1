//! Two pictures, pixel for pixel.
//!
//! They are equal where every pixel has the same colour and the same transparency; how the file is packed does not count. There is no
//! tolerance: what a threshold lets through nobody has looked at, and the same inputs have to give the same picture. Who needs one
//! compares in the test itself, where it can be said for each picture.
//!
//! Deliberately absent: which pictures belong together.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, Limits, RgbaImage};

/// A larger file is not read.
pub(super) const MAX_BYTES: u64 = 32 << 20;

/// What one picture may take in memory, decoded: 4 bytes a pixel for what browsers write, so 32 million pixels.
const MAX_DECODED: u64 = 128 << 20;

/// The longest side.
const MAX_SIDE: u32 = 32_768;

/// The last bytes of a PNG: its last chunk with the checksum.
const PNG_END: &[u8] = b"IEND\xae\x42\x60\x82";

/// How a pixel that differs is drawn.
const DIFFERS: [u8; 4] = [230, 0, 60, 255];

/// How two pictures stand to each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Every pixel is the same.
    Same,
    /// They differ.
    Differs {
        /// In words.
        how: String,
        /// A PNG of the first, pale, with what differs in red. Absent where it would be too large.
        difference: Option<Vec<u8>>,
    },
    /// One of them cannot be read.
    Unreadable(String),
}

/// Compares what was expected with what there is.
pub(super) fn compare(expected: &[u8], actual: &[u8]) -> Comparison {
    if expected == actual {
        return Comparison::Same;
    }
    let expected = match decode(expected) {
        Ok(picture) => picture,
        Err(why) => return Comparison::Unreadable(format!("its baseline cannot be read: {why}")),
    };
    let actual = match decode(actual) {
        Ok(picture) => picture,
        Err(why) => return Comparison::Unreadable(format!("it cannot be read: {why}")),
    };
    let (was, is) = ((expected.width(), expected.height()), (actual.width(), actual.height()));
    // Before colours are narrowed for the picture: 16 bits a colour are compared in full.
    let pixels = if was == is { different_pixels(&expected, &actual) } else { None };
    if let Some(Pixels { count: 0, .. }) = pixels {
        return Comparison::Same;
    }
    let how = match &pixels {
        Some(Pixels { count, first: (x, y) }) => {
            let all = u64::from(was.0) * u64::from(was.1);
            format!("{count} of {all} pixels differ from the baseline, the first at {x},{y}")
        }
        None => format!("it has {} x {} pixels in place of {} x {}", is.0, is.1, was.0, was.1),
    };
    Comparison::Differs { how, difference: draw(&expected.into_rgba8(), &actual.into_rgba8()) }
}

struct Pixels {
    count: u64,
    /// The first, by rows.
    first: (u32, u32),
}

fn different_pixels(expected: &DynamicImage, actual: &DynamicImage) -> Option<Pixels> {
    let is_deep = |picture: &DynamicImage| picture.color().bytes_per_pixel() > picture.color().channel_count();
    if is_deep(expected) || is_deep(actual) {
        count(expected.to_rgba16().as_raw(), actual.to_rgba16().as_raw(), expected.width())
    } else {
        count(expected.to_rgba8().as_raw(), actual.to_rgba8().as_raw(), expected.width())
    }
}

/// `None` only where there is no pixel at all.
fn count<T: PartialEq>(expected: &[T], actual: &[T], width: u32) -> Option<Pixels> {
    let width = u64::from(width);
    let pairs = expected.chunks_exact(4).zip(actual.chunks_exact(4)).zip(0_u64..);
    let mut pixels = Pixels { count: 0, first: (0, 0) };
    for (_, at) in pairs.filter(|((expected, actual), _)| expected != actual) {
        if pixels.count == 0 {
            let side = |place: u64| u32::try_from(place).unwrap_or(u32::MAX);
            pixels.first = (side(at.checked_rem(width)?), side(at / width));
        }
        pixels.count += 1;
    }
    Some(pixels)
}

/// Decodes one still picture within the limits. What a picture says of its orientation is followed, as a browser would.
fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let words = |error: image::ImageError| error.to_string();
    let format = image::guess_format(bytes).map_err(|_| "it is no PNG, JPEG or WebP".to_owned())?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED);
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    let source = Cursor::new(bytes);
    match format {
        ImageFormat::Png => {
            if !bytes.ends_with(PNG_END) {
                return Err("it is cut short, or something lies behind its end".to_owned());
            }
            let decoder = image::codecs::png::PngDecoder::with_limits(source, limits.clone()).map_err(words)?;
            if decoder.is_apng().map_err(words)? {
                return Err("it moves, and only still pictures are compared".to_owned());
            }
            still(decoder, limits)
        }
        ImageFormat::Jpeg => still(image::codecs::jpeg::JpegDecoder::new(source).map_err(words)?, limits),
        ImageFormat::WebP => {
            let decoder = image::codecs::webp::WebPDecoder::new(source).map_err(words)?;
            if decoder.has_animation() {
                return Err("it moves, and only still pictures are compared".to_owned());
            }
            still(decoder, limits)
        }
        _ => Err("it is no PNG, JPEG or WebP".to_owned()),
    }
}

fn still(mut decoder: impl ImageDecoder, limits: Limits) -> Result<DynamicImage, String> {
    let words = |error: image::ImageError| error.to_string();
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_DECODED {
        return Err(format!("it is too large: {width} x {height} pixels"));
    }
    decoder.set_limits(limits).map_err(words)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(words)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The expected picture, pale and grey, with every pixel in red that differs or that only one of the two has.
fn draw(expected: &RgbaImage, actual: &RgbaImage) -> Option<Vec<u8>> {
    let (width, height) = (expected.width().max(actual.width()), expected.height().max(actual.height()));
    if u64::from(width) * u64::from(height) * 4 > MAX_DECODED {
        return None;
    }
    let drawn = RgbaImage::from_fn(width, height, |x, y| {
        match (expected.get_pixel_checked(x, y), actual.get_pixel_checked(x, y)) {
            (Some(was), Some(is)) if was == is => {
                let [red, green, blue, _] = was.0.map(u16::from);
                let grey = u8::try_from(190 + (red + green + blue) / 12).unwrap_or(u8::MAX);
                image::Rgba([grey, grey, grey, 255])
            }
            _ => image::Rgba(DIFFERS),
        }
    });
    let mut png = Cursor::new(Vec::new());
    drawn.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(png.into_inner())
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Rgba};

    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn blue(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_pixel(width, height, Rgba([10, 20, 200, 255]))
    }

    #[test]
    fn how_a_picture_is_packed_does_not_count() {
        let rgba = png(&blue(20, 10).into());
        let rgb = png(&DynamicImage::from(blue(20, 10)).into_rgb8().into());
        let deep = png(&DynamicImage::from(blue(20, 10)).into_rgba16().into());
        assert!(rgba != rgb && rgb != deep);
        for other in [&rgba, &rgb, &deep] {
            assert_eq!(compare(&rgba, other), Comparison::Same);
        }
    }

    #[test]
    fn one_pixel_that_differs_by_one_is_told_with_its_place_and_drawn_in_red() {
        let mut other = blue(20, 10);
        other.get_pixel_mut(3, 7).0[2] += 1;
        let Comparison::Differs { how, difference } = compare(&png(&blue(20, 10).into()), &png(&other.into())) else {
            panic!("they differ");
        };
        assert_eq!(how, "1 of 200 pixels differ from the baseline, the first at 3,7");
        let drawn = image::load_from_memory(&difference.unwrap()).unwrap().into_rgba8();
        assert_eq!(drawn.dimensions(), (20, 10));
        let red: Vec<_> = drawn.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == DIFFERS).collect();
        assert_eq!(red.iter().map(|(x, y, _)| (*x, *y)).collect::<Vec<_>>(), [(3, 7)]);
    }

    #[test]
    fn a_difference_of_the_last_of_16_bits_is_one() {
        let deep = |value| DynamicImage::from(ImageBuffer::from_pixel(4, 4, Rgba([value, 0, 0, u16::MAX])));
        assert_ne!(compare(&png(&deep(256)), &png(&deep(257))), Comparison::Same);
    }

    #[test]
    fn other_dimensions_are_told_and_drawn() {
        let Comparison::Differs { how, difference } = compare(&png(&blue(20, 10).into()), &png(&blue(20, 12).into()))
        else {
            panic!("they differ");
        };
        assert_eq!(how, "it has 20 x 12 pixels in place of 20 x 10");
        assert_eq!(image::load_from_memory(&difference.unwrap()).unwrap().height(), 12);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

        /// What a picture is changed into is the same only where it shows the same; and nothing panics, whatever the bytes.
        #[test]
        fn no_change_of_bytes_hides_a_change_of_pixels(
            at in proptest::collection::vec((0_usize..200, proptest::prelude::any::<u8>()), 1..4),
        ) {
            let (mut good, mut bad) = (blue(6, 6), blue(6, 6));
            good.get_pixel_mut(0, 0).0[0] = 0;
            bad.get_pixel_mut(0, 0).0[0] = 255;
            let (good, mut bytes) = (png(&good.into()), png(&bad.into()));
            for (place, byte) in at {
                let place = place % bytes.len();
                bytes[place] = byte;
            }
            if compare(&good, &bytes) == Comparison::Same {
                proptest::prop_assert_eq!(decode(&good).unwrap().into_rgba16(), decode(&bytes).unwrap().into_rgba16());
            }
        }
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused_and_no_truncation_is_the_same() {
        let whole = png(&blue(20, 10).into());
        for end in 0..whole.len() {
            assert_ne!(compare(&whole, &whole[..end]), Comparison::Same, "cut at {end}");
        }
        assert!(matches!(compare(&whole, b"no picture"), Comparison::Unreadable(_)));
        // A head that claims 30,000 x 30,000 pixels, and nothing behind it.
        let mut bomb = whole.clone();
        bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        assert!(matches!(compare(&whole, &bomb), Comparison::Unreadable(_)));
    }
}

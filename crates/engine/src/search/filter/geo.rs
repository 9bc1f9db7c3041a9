//! Shapes on the globe, and which points are in them.

use onggi_domain::filter::Shape;

/// Whether a point (latitude, longitude) is in a shape.
pub(super) fn contains(shape: &Shape, point: (f64, f64)) -> bool {
    match shape {
        Shape::Radius { center, metres } => distance(*center, point) <= *metres,
        Shape::Box { top_right: (top, right), bottom_left: (bottom, left) } => {
            let (lat, lng) = point;
            let in_longitude = if left <= right { (*left..=*right).contains(&lng) } else { lng >= *left || lng <= *right };
            (*bottom..=*top).contains(&lat) && in_longitude
        }
        Shape::Polygon(points) => in_polygon(points, point),
    }
}

/// Metres between two points (latitude, longitude in degrees) on a sphere, by the haversine formula.
pub(crate) fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    const EARTH_RADIUS: f64 = 6_371_008.8;
    let half_chord = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let a = half_chord(from.0, to.0) + from.0.to_radians().cos() * to.0.to_radians().cos() * half_chord(from.1, to.1);
    2.0 * EARTH_RADIUS * a.sqrt().min(1.0).asin()
}

/// Whether a ray to the north crosses the edges an odd number of times. Edges are straight on a map of latitude and longitude, and go the short
/// way around the globe, so that a polygon may cross the date line.
fn in_polygon(points: &[(f64, f64)], (lat, lng): (f64, f64)) -> bool {
    let mut inside = false;
    let mut previous = points.last().copied().unwrap_or_default();
    for &next in points {
        // Longitudes from the point's own: the edge is crossed where they change sign. An end has the same sign in both of its edges.
        let (from, to) = (short_way(previous.1 - lng), short_way(next.1 - lng));
        let to = to + ((from + short_way(next.1 - previous.1) - to) / 360.0).round() * 360.0;
        for turn in [-360.0, 0.0, 360.0] {
            let (from, to) = (from + turn, to + turn);
            if (from > 0.0) != (to > 0.0) {
                let crossing = previous.0 + (next.0 - previous.0) * from / (from - to);
                inside ^= crossing > lat;
            }
        }
        previous = next;
    }
    inside
}

/// A difference of longitudes, from -180 to 180.
fn short_way(degrees: f64) -> f64 {
    (degrees + 180.0).rem_euclid(360.0) - 180.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_on_the_globe() {
        let (seoul, busan, tokyo) = ((37.5665, 126.978), (35.1796, 129.0756), (35.6762, 139.6503));
        assert!((distance(seoul, busan) - 325_000.0).abs() < 2_000.0);
        assert!((distance(seoul, tokyo) - 1_152_000.0).abs() < 5_000.0);
        assert!(distance(seoul, seoul) < 1e-6);
        assert!((distance((0.0, 179.9), (0.0, -179.9)) - 22_239.0).abs() < 50.0);
    }

    #[test]
    fn points_in_polygons() {
        let bent = [(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 8.0), (2.0, 8.0), (2.0, 0.0)];
        let across = [(-10.0, 170.0), (10.0, 170.0), (10.0, -170.0), (-10.0, -170.0)];
        for (polygon, inside, outside) in [
            (&bent[..], vec![(1.0, 1.0), (1.0, 9.0), (9.0, 9.0)], vec![(5.0, 4.0), (-1.0, 5.0), (11.0, 9.0), (5.0, 12.0), (1.0, -171.0)]),
            (&across[..], vec![(0.0, 175.0), (0.0, -175.0), (9.0, 180.0), (9.0, -180.0)], vec![(0.0, 0.0), (0.0, 165.0), (11.0, 180.0)]),
        ] {
            for reversed in [false, true] {
                let mut polygon = polygon.to_vec();
                if reversed {
                    polygon.reverse();
                }
                assert!(inside.iter().all(|point| contains(&Shape::Polygon(polygon.clone()), *point)), "{polygon:?}");
                assert!(!outside.iter().any(|point| contains(&Shape::Polygon(polygon.clone()), *point)), "{polygon:?}");
            }
        }
    }
}

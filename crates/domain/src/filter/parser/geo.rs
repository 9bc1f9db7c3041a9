//! The conditions on `_geo`: shapes, written as functions of coordinates.

use super::Parser;
use crate::{
    ApiError,
    filter::{Filter, Place, Shape, lexer::Token},
};

impl Parser<'_> {
    pub(super) fn geo(&mut self, name: &str, place: Place) -> Result<Filter, ApiError> {
        self.advance();
        if !self.take_sign("(") {
            return Err(self.error_at(&place, &geo_usage(name)));
        }
        let shape = match name {
            "_geoRadius" => self.radius(&place)?,
            "_geoBoundingBox" => self.bounding_box(&place)?,
            _ => self.polygon(&place)?,
        };
        if !self.take_sign(")") {
            return Err(self.error_at(&place, &geo_usage(name)));
        }
        Ok(Filter::Geo(shape, place))
    }

    /// `latitude, longitude, metres`, and a resolution, which matters to approximations only: distances are exact here.
    fn radius(&mut self, place: &Place) -> Result<Shape, ApiError> {
        let usage = geo_usage("_geoRadius");
        let center = self.pair(place, &usage)?;
        self.comma(place, &usage)?;
        let metres = self.number(&usage)?;
        if self.take_sign(",") {
            self.number(&usage)?;
        }
        Ok(Shape::Radius { center, metres })
    }

    fn bounding_box(&mut self, place: &Place) -> Result<Shape, ApiError> {
        let usage = geo_usage("_geoBoundingBox");
        let top_right = self.corner(place, &usage)?;
        self.comma(place, &usage)?;
        let bottom_left = self.corner(place, &usage)?;
        if top_right.0 < bottom_left.0 {
            let message = format!("The top latitude `{}` is below the bottom latitude `{}`.", top_right.0, bottom_left.0);
            return Err(self.error_at(place, &message));
        }
        Ok(Shape::Box { top_right, bottom_left })
    }

    fn polygon(&mut self, place: &Place) -> Result<Shape, ApiError> {
        let usage = geo_usage("_geoPolygon");
        let mut points = Vec::new();
        while self.at_sign("[") {
            self.take_from_budget()?;
            points.push(self.corner(place, &usage)?);
            if !self.take_sign(",") {
                break;
            }
        }
        if points.len() < 3 {
            let message = format!("The `_geoPolygon` filter expects at least 3 points but only {} were specified.", points.len());
            return Err(self.error_at(place, &message));
        }
        Ok(Shape::Polygon(points))
    }

    /// `[latitude, longitude]`
    fn corner(&mut self, place: &Place, usage: &str) -> Result<(f64, f64), ApiError> {
        if !self.take_sign("[") {
            return Err(self.error_at(place, usage));
        }
        let pair = self.pair(place, usage)?;
        if !self.take_sign("]") {
            return Err(self.error_at(place, usage));
        }
        Ok(pair)
    }

    fn pair(&mut self, place: &Place, usage: &str) -> Result<(f64, f64), ApiError> {
        let lat = self.degrees(usage, 90.0, "latitude", "Latitude")?;
        self.comma(place, usage)?;
        Ok((lat, self.degrees(usage, 180.0, "longitude", "Longitude")?))
    }

    fn comma(&mut self, place: &Place, usage: &str) -> Result<(), ApiError> {
        if self.take_sign(",") { Ok(()) } else { Err(self.error_at(place, usage)) }
    }

    fn degrees(&mut self, usage: &str, most: f64, name: &str, capital: &str) -> Result<f64, ApiError> {
        let place = self.here();
        let degrees = self.number(usage)?;
        if degrees.abs() > most {
            let message = format!("Bad {name} `{degrees}`. {capital} must be contained between -{most} and {most} degrees.");
            return Err(self.error_at(&place, &message));
        }
        Ok(degrees)
    }

    fn number(&mut self, usage: &str) -> Result<f64, ApiError> {
        let number = match &self.next {
            Ok(Some((Token::Word(text), _))) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
            _ => None,
        };
        let Some(number) = number else { return Err(self.error(usage)) };
        self.advance();
        Ok(number)
    }
}

fn geo_usage(name: &str) -> String {
    match name {
        "_geoRadius" => "The `_geoRadius` filter expects three arguments: `_geoRadius(latitude, longitude, radius)`.",
        "_geoBoundingBox" => {
            "The `_geoBoundingBox` filter expects two pairs of arguments: `_geoBoundingBox([latitude, longitude], [latitude, longitude])`."
        }
        _ => {
            "The `_geoPolygon` filter expects at least three pairs of arguments: `_geoPolygon([latitude, longitude], [latitude, longitude], [latitude, longitude], ...)`."
        }
    }
    .to_owned()
}

pub(super) fn reserved_geo(name: &str) -> String {
    format!(
        "`{name}` is a reserved keyword and thus can't be used as a filter expression. Use the `_geoRadius(latitude, longitude, distance)`, \
         `_geoBoundingBox([latitude, longitude], [latitude, longitude])` or `_geoPolygon([latitude, longitude], ...)` built-in rules to filter \
         on `_geo` coordinates."
    )
}

pub(super) fn is_geo(word: &str) -> bool {
    matches!(word, "_geoRadius" | "_geoBoundingBox" | "_geoPolygon")
}

//! Points in a plane whose distances are like given ones: classical multidimensional scaling
//! (Torgerson, 1952).
//!
//! With `D` the matrix of squared distances and `J` that of centring, `B = -1/2 J D J`; the two
//! leading eigenvectors of `B`, each times the root of its eigenvalue, are the coordinates. They are
//! found by power iteration from a fixed start, so that the same distances give the same map.

/// Steps of the power iteration: enough for a picture.
const STEPS: usize = 120;
/// Places behind the point that are kept: a picture needs no more.
const ROUNDING: f64 = 1e6;

/// Coordinates of `count` points; `distances` are those of each to the ones before it.
pub(super) fn scale(distances: &[f64], count: usize) -> Vec<(f64, f64)> {
    let at = |row: usize, column: usize| match row.cmp(&column) {
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => distances[row * (row - 1) / 2 + column],
        std::cmp::Ordering::Less => distances[column * (column - 1) / 2 + row],
    };
    let mut matrix: Vec<f64> =
        (0..count * count).map(|place| -0.5 * at(place / count, place % count).powi(2)).collect();
    centre(&mut matrix, count);
    let first = leading(&mut matrix, count);
    let second = leading(&mut matrix, count);
    let round = |value: f64| (value * ROUNDING).round() / ROUNDING;
    first.into_iter().zip(second).map(|(x, y)| (round(x), round(y))).collect()
}

/// Takes the means of rows and columns out of a symmetric matrix.
fn centre(matrix: &mut [f64], count: usize) {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let rows: Vec<f64> = matrix.chunks(count.max(1)).map(mean).collect();
    let all = mean(&rows);
    for (place, value) in matrix.iter_mut().enumerate() {
        *value += all - rows[place / count] - rows[place % count];
    }
}

/// The leading eigenvector times the root of its eigenvalue; `matrix` is left without it.
fn leading(matrix: &mut [f64], count: usize) -> Vec<f64> {
    // Any start that is not orthogonal to the one sought.
    let mut vector: Vec<f64> =
        (0..count).map(|index| ((index * 7919) % 1009) as f64 / 1009.0 - 0.45).collect();
    let mut eigenvalue = 0.0;
    for _ in 0..STEPS {
        let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length < 1e-12 {
            return vec![0.0; count];
        }
        vector.iter_mut().for_each(|v| *v /= length);
        let next: Vec<f64> = matrix
            .chunks(count.max(1))
            .map(|row| row.iter().zip(&vector).map(|(a, b)| a * b).sum())
            .collect();
        eigenvalue = next.iter().zip(&vector).map(|(a, b)| a * b).sum();
        vector = next;
    }
    let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length < 1e-12 || eigenvalue <= 0.0 {
        return vec![0.0; count];
    }
    vector.iter_mut().for_each(|v| *v /= length);
    for (place, value) in matrix.iter_mut().enumerate() {
        *value -= eigenvalue * vector[place / count] * vector[place % count];
    }
    let root = eigenvalue.sqrt();
    vector.into_iter().map(|v| v * root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a plane come out with their distances, whatever way they are turned.
    #[test]
    fn distances_in_a_plane_are_kept() {
        let points = [(0.0, 0.0), (3.0, 0.0), (3.0, 4.0), (-1.0, 2.5), (0.5, -2.0)];
        let distance = |a: (f64, f64), b: (f64, f64)| ((a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)).sqrt();
        let mut distances = Vec::new();
        for (at, point) in points.iter().enumerate() {
            distances.extend(points[..at].iter().map(|other| distance(*point, *other)));
        }
        let map = scale(&distances, points.len());
        for a in 0..points.len() {
            for b in 0..a {
                let (wanted, got) = (distance(points[a], points[b]), distance(map[a], map[b]));
                assert!((wanted - got).abs() < 1e-3, "{a} {b}: {wanted} {got}");
            }
        }
        assert_eq!(map, scale(&distances, points.len()));
    }

    #[test]
    fn few_points_and_equal_ones_have_a_map_too() {
        assert_eq!(scale(&[], 0), []);
        assert_eq!(scale(&[], 1), [(0.0, 0.0)]);
        assert_eq!(scale(&[0.0, 0.0, 0.0], 3), [(0.0, 0.0); 3]);
    }
}

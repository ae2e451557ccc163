//! Matrix products over borrowed, strided matrices, by the `gemm` crate on one thread.

/// A read-only matrix inside a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

/// A matrix inside a slice that a product is written to; its columns are adjacent.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `rows × columns`, row after row.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// `rows × columns`, each row `row_stride` after the one before.
    pub(crate) fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            fits(data.len(), rows, columns, row_stride),
            "{rows}×{columns} matrix is larger than its slice"
        );
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The transpose, in place.
    pub(crate) fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

impl<'a> MatrixMut<'a> {
    /// `rows × columns`, row after row.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// `rows × columns`, each row `row_stride` after the one before.
    pub(crate) fn strided(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            fits(data.len(), rows, columns, row_stride),
            "{rows}×{columns} matrix is larger than its slice"
        );
        Self { data, rows, columns, row_stride }
    }
}

/// Whether the last element of such a matrix lies inside a slice of `length`, and no two overlap.
fn fits(length: usize, rows: usize, columns: usize, row_stride: usize) -> bool {
    rows == 0 || columns == 0 || (columns <= row_stride && (rows - 1) * row_stride + columns <= length)
}

/// `c = scale·a·b`, or `c += scale·a·b` with `adds`.
///
/// # Panics
/// The shapes do not fit: a bug in the caller.
pub(crate) fn multiply(c: MatrixMut<'_>, adds: bool, scale: f32, a: Matrix<'_>, b: Matrix<'_>) {
    assert!(
        a.columns == b.rows && c.rows == a.rows && c.columns == b.columns,
        "cannot multiply {}×{} by {}×{} into {}×{}",
        a.rows,
        a.columns,
        b.rows,
        b.columns,
        c.rows,
        c.columns
    );
    if c.rows == 0 || c.columns == 0 {
        return;
    }
    // SAFETY: the constructors checked that every element the strides reach lies inside the slices;
    // `c` is borrowed exclusively, so it overlaps neither `a` nor `b`.
    unsafe {
        gemm::gemm(
            c.rows,
            c.columns,
            a.columns,
            c.data.as_mut_ptr(),
            1,
            c.row_stride as isize,
            adds,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            if adds { 1.0 } else { 0.0 },
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut c = [1.0; 6];
        // [1 2; 4 5]·[1 4; 2 5], strides of three.
        let left = Matrix::strided(&a, 2, 2, 3);
        multiply(MatrixMut::strided(&mut c, 2, 2, 3), true, 0.5, left, left.transposed());
        assert_eq!(c, [3.5, 8.0, 1.0, 8.0, 21.5, 1.0]);
        multiply(MatrixMut::new(&mut c, 3, 2), false, 1.0, Matrix::new(&a, 3, 2), Matrix::new(&a, 2, 2));
        assert_eq!(c, [7.0, 10.0, 15.0, 22.0, 23.0, 34.0]);
    }

    #[test]
    #[should_panic(expected = "larger than its slice")]
    fn a_matrix_never_reaches_beyond_its_slice() {
        Matrix::strided(&[0.0; 5], 2, 2, 4);
    }
}

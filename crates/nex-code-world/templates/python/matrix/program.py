"""Matrices as lists of rows."""


def shape(matrix):
    """Number of rows and of columns."""
    if not matrix:
        return (0, 0)
    width = len(matrix[0])
    for row in matrix:
        if len(row) != width:
            raise ValueError("rows differ in length")
    return (len(matrix), width)


def identity(size):
    """Ones on the diagonal, zeros elsewhere."""
    return [[1 if row == column else 0 for column in range(size)] for row in range(size)]


def transpose(matrix):
    """Rows become columns."""
    rows, columns = shape(matrix)
    return [[matrix[row][column] for row in range(rows)] for column in range(columns)]


def multiply(left, right):
    """The matrix product."""
    rows, inner = shape(left)
    inner_right, columns = shape(right)
    if inner != inner_right:
        raise ValueError("shapes do not fit")
    return [
        [sum(left[row][k] * right[k][column] for k in range(inner)) for column in range(columns)]
        for row in range(rows)
    ]


def power(matrix, exponent):
    """The matrix multiplied with itself; exponent 0 gives the identity."""
    rows, columns = shape(matrix)
    if rows != columns:
        raise ValueError("only square matrices have powers")
    if exponent < 0:
        raise ValueError("negative exponent")
    result = identity(rows)
    base = matrix
    while exponent > 0:
        if exponent % 2 == 1:
            result = multiply(result, base)
        base = multiply(base, base)
        exponent = exponent // 2
    return result


def minor(matrix, row, column):
    """The matrix without one row and one column."""
    kept = matrix[:row] + matrix[row + 1:]
    return [line[:column] + line[column + 1:] for line in kept]


def determinant(matrix):
    """The determinant, by expansion along the first row."""
    rows, columns = shape(matrix)
    if rows != columns:
        raise ValueError("only square matrices have a determinant")
    if rows == 0:
        return 1
    total = 0
    for column in range(columns):
        sign = -1 if column % 2 else 1
        total += sign * matrix[0][column] * determinant(minor(matrix, 0, column))
    return total


def rotate(matrix):
    """The matrix turned clockwise by a quarter."""
    return [row[::-1] for row in transpose(matrix)]

//! A layered layout of a small directed graph: boxes in columns, edges from left to right.
//!
//! Cycles are broken by turning edges round, boxes stand in the column of their longest path,
//! edges over several columns bend around what lies between, and a few sweeps by barycentre take
//! out most crossings (after Sugiyama, Tagawa and Toda, 1981). Every step is deterministic.

/// Space between columns and between boxes of one column.
const COLUMN_GAP: f64 = 48.0;
const ROW_GAP: f64 = 18.0;
/// Height kept free for an edge that passes a column.
const PASSAGE: f64 = 10.0;
const SWEEPS: usize = 6;

/// Where boxes and edges are.
pub(crate) struct Placed {
    /// Upper left corner of each box.
    pub(crate) boxes: Vec<(f64, f64)>,
    /// For each edge given, the points it passes, from its source's side to its target's.
    pub(crate) paths: Vec<Vec<(f64, f64)>>,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A box, or the passage of an edge through a column.
struct Cell {
    height: f64,
    y: f64,
}

/// Lays out boxes of `width` and of the heights given. Edges from a box to itself have no path.
pub(crate) fn place(width: f64, heights: &[f64], edges: &[(usize, usize)]) -> Placed {
    let forward = without_cycles(heights.len(), edges);
    let column_of = columns_of(heights, &forward);
    let last = column_of.iter().copied().max().unwrap_or(0);
    let mut cells: Vec<Cell> = heights.iter().map(|height| Cell { height: *height, y: 0.0 }).collect();
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
    for (cell, column) in column_of.iter().enumerate() {
        columns[*column].push(cell);
    }
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for (from, to) in &forward {
        let mut chain = vec![*from];
        if from != to {
            for column in &mut columns[column_of[*from] + 1..column_of[*to]] {
                column.push(cells.len());
                chain.push(cells.len());
                cells.push(Cell { height: PASSAGE, y: 0.0 });
            }
            chain.push(*to);
        }
        chains.push(chain);
    }
    let (left, right) = neighbours(cells.len(), &chains);
    order(&mut columns, &left, &right);
    stack(&columns, &mut cells, &left, &right);

    let x_of = |column: usize| column as f64 * (width + COLUMN_GAP);
    let middle = |cell: usize| cells[cell].y + cells[cell].height / 2.0;
    let paths = chains
        .iter()
        .zip(edges)
        .map(|(chain, edge)| {
            if chain.len() < 2 {
                return Vec::new();
            }
            let first = column_of[chain[0]];
            let mut points = vec![(x_of(first) + width, middle(chain[0]))];
            for (hop, cell) in chain[1..chain.len() - 1].iter().enumerate() {
                points.push((x_of(first + hop + 1), middle(*cell)));
                points.push((x_of(first + hop + 1) + width, middle(*cell)));
            }
            let end = chain[chain.len() - 1];
            points.push((x_of(column_of[end]), middle(end)));
            if chain[0] != edge.0 {
                points.reverse();
            }
            points
        })
        .collect();
    Placed {
        boxes: (0..heights.len()).map(|cell| (x_of(column_of[cell]), cells[cell].y)).collect(),
        paths,
        width: x_of(last) + width,
        height: cells.iter().map(|cell| cell.y + cell.height).fold(0.0, f64::max),
    }
}

/// The edges, those turned round that would close a cycle.
fn without_cycles(boxes: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for (index, (from, _)) in edges.iter().enumerate() {
        out[*from].push(index);
    }
    let mut seen = vec![Seen::No; boxes];
    let mut forward = edges.to_vec();
    for start in 0..boxes {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Open;
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.last_mut() {
            let Some(edge) = out[*node].get(*next).copied() else {
                seen[*node] = Seen::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = edges[edge].1;
            match seen[to] {
                Seen::Open if to != edges[edge].0 => forward[edge] = (to, edges[edge].0),
                Seen::No => {
                    seen[to] = Seen::Open;
                    stack.push((to, 0));
                }
                _ => {}
            }
        }
    }
    forward
}

/// The column of each box: its longest path from the left, moved right up to its nearest target.
/// Boxes without edges fill up the columns that hold least.
fn columns_of(heights: &[f64], forward: &[(usize, usize)]) -> Vec<usize> {
    let mut column = vec![0; heights.len()];
    // A longest path has fewer edges than there are boxes, so this ends.
    for _ in 0..heights.len() {
        let mut is_stable = true;
        for (from, to) in forward.iter().filter(|(from, to)| from != to) {
            if column[*to] < column[*from] + 1 {
                column[*to] = column[*from] + 1;
                is_stable = false;
            }
        }
        if is_stable {
            break;
        }
    }
    let mut is_joined = vec![false; heights.len()];
    for (from, to) in forward.iter().filter(|(from, to)| from != to) {
        is_joined[*from] = true;
        is_joined[*to] = true;
    }
    for node in 0..heights.len() {
        let has_source = forward.iter().any(|(from, to)| *to == node && from != to);
        let nearest =
            forward.iter().filter(|(from, to)| *from == node && from != to).map(|(_, to)| column[*to]).min();
        if let (false, Some(nearest)) = (has_source, nearest) {
            column[node] = nearest - 1;
        }
    }
    let count =
        column.iter().max().map_or(1, |last| last + 1).max(if is_joined.contains(&true) { 1 } else { 4 });
    let mut filled = vec![0.0; count];
    for node in (0..heights.len()).filter(|node| is_joined[*node]) {
        filled[column[node]] += heights[node] + ROW_GAP;
    }
    for node in (0..heights.len()).filter(|node| !is_joined[*node]) {
        let least = (0..count).min_by(|a, b| filled[*a].total_cmp(&filled[*b])).unwrap_or(0);
        column[node] = least;
        filled[least] += heights[node] + ROW_GAP;
    }
    column
}

fn neighbours(cells: usize, chains: &[Vec<usize>]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut left = vec![Vec::new(); cells];
    let mut right = vec![Vec::new(); cells];
    for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
        right[pair[0]].push(pair[1]);
        left[pair[1]].push(pair[0]);
    }
    (left, right)
}

/// Orders each column by the mean rank of its neighbours, sweeping to and fro.
fn order(columns: &mut [Vec<usize>], left: &[Vec<usize>], right: &[Vec<usize>]) {
    let mut rank = vec![0.0; left.len()];
    for column in columns.iter() {
        for (index, cell) in column.iter().enumerate() {
            rank[*cell] = index as f64;
        }
    }
    for sweep in 0..SWEEPS {
        let side = if sweep % 2 == 0 { left } else { right };
        let visit: Vec<usize> =
            if sweep % 2 == 0 { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for index in visit {
            let key = |cell: usize| mean(side[cell].iter().map(|other| rank[*other])).unwrap_or(rank[cell]);
            let mut keyed: Vec<(f64, usize)> =
                columns[index].iter().map(|cell| (key(*cell), *cell)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            columns[index] = keyed.iter().map(|(_, cell)| *cell).collect();
            for (position, cell) in columns[index].iter().enumerate() {
                rank[*cell] = position as f64;
            }
        }
    }
}

/// Gives each cell its y: near the middle of its neighbours, never over another.
fn stack(columns: &[Vec<usize>], cells: &mut [Cell], left: &[Vec<usize>], right: &[Vec<usize>]) {
    let height = |column: &Vec<usize>, cells: &[Cell]| -> f64 {
        column.iter().map(|cell| cells[*cell].height + ROW_GAP).sum::<f64>() - ROW_GAP
    };
    let tallest = columns.iter().map(|column| height(column, cells)).fold(0.0, f64::max);
    for column in columns {
        let mut y = (tallest - height(column, cells)) / 2.0;
        for cell in column {
            cells[*cell].y = y;
            y += cells[*cell].height + ROW_GAP;
        }
    }
    for sweep in 0..SWEEPS {
        let side = if sweep % 2 == 0 { left } else { right };
        for column in columns {
            let wanted: Vec<f64> = column
                .iter()
                .map(|cell| {
                    let middles =
                        side[*cell].iter().map(|other| cells[*other].y + cells[*other].height / 2.0);
                    mean(middles).map_or(cells[*cell].y, |middle| middle - cells[*cell].height / 2.0)
                })
                .collect();
            let mut floor = f64::NEG_INFINITY;
            let mut at = Vec::new();
            for (cell, wanted) in column.iter().zip(&wanted) {
                let y = wanted.max(floor);
                floor = y + cells[*cell].height + ROW_GAP;
                at.push(y);
            }
            let shift = mean(wanted.iter().zip(&at).map(|(wanted, y)| wanted - y)).unwrap_or(0.0);
            for (cell, y) in column.iter().zip(&at) {
                cells[*cell].y = y + shift;
            }
        }
    }
    let top = cells.iter().map(|cell| cell.y).fold(f64::INFINITY, f64::min);
    for cell in cells {
        cell.y -= top;
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No box over another, and every edge from left to right unless it closes a cycle.
    fn check(heights: &[f64], edges: &[(usize, usize)]) -> Placed {
        let placed = place(200.0, heights, edges);
        for a in 0..heights.len() {
            for b in 0..a {
                let (p, q) = (placed.boxes[a], placed.boxes[b]);
                let apart = (p.0 - q.0).abs() >= 200.0 || p.1 >= q.1 + heights[b] || q.1 >= p.1 + heights[a];
                assert!(apart, "boxes {a} and {b} overlap");
            }
            assert!(placed.boxes[a].1 >= 0.0 && placed.boxes[a].1 + heights[a] <= placed.height + 0.01);
        }
        for (edge, path) in edges.iter().zip(&placed.paths) {
            assert_eq!(path.is_empty(), edge.0 == edge.1);
        }
        placed
    }

    #[test]
    fn a_chain_runs_from_left_to_right() {
        let placed = check(&[50.0; 3], &[(0, 1), (1, 2)]);
        assert_eq!(placed.boxes, [(0.0, 0.0), (248.0, 0.0), (496.0, 0.0)]);
        assert_eq!(placed.paths[0], [(200.0, 25.0), (248.0, 25.0)]);
    }

    #[test]
    fn cycles_loops_long_edges_and_loners_are_placed() {
        check(&[], &[]);
        check(&[40.0], &[(0, 0)]);
        check(&[40.0, 60.0], &[(0, 1), (1, 0)]);
        check(&[40.0; 6], &[]);
        let placed = check(&[90.0, 40.0, 70.0, 30.0, 20.0], &[(0, 1), (1, 2), (0, 2), (2, 0), (3, 2)]);
        assert_eq!(placed.paths[2].len(), 4, "an edge over a column passes through it");
    }

    proptest::proptest! {
        #[test]
        fn any_graph_is_laid_out_without_overlap(
            heights in proptest::collection::vec(20.0..120.0_f64, 1..14),
            pairs in proptest::collection::vec((0..14_usize, 0..14_usize), 0..30),
        ) {
            let edges: Vec<_> = pairs.iter().map(|(a, b)| (a % heights.len(), b % heights.len())).collect();
            check(&heights, &edges);
        }
    }
}

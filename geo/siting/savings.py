"""The one shape of MCLP and p-median: choose p sites so that the best saving of every row, summed, is largest.

A row saves `s` when a site is chosen that saves it `s`; of several only the best counts. MCLP: a covered row saves its
weight. p-median: a row saves weight x metres against the walk it has, or against the longest one. What existing sites
save is taken off beforehand.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array

from geo.arrays import BoolArray, FloatArray, IntArray
from geo.compiled import compiled


@dataclass(frozen=True)
class Savings:
    """Rows and sites that are left after presolving.

    Attributes
    ----------
    row_first, row_site, row_value
        Savings by row: sites row_site[row_first[i]:row_first[i + 1]], ascending, and what they save, > 0.
    site_first, site_row, site_value
        The same by site.
    row, site
        Shapes (n_row,) and (n_site,): a demand of the problem that stands for each row, and the site of the problem.
    is_flat
        Whether all savings of a row are equal (coverage).
    """

    row_first: IntArray
    row_site: IntArray
    row_value: FloatArray
    site_first: IntArray
    site_row: IntArray
    site_value: FloatArray
    row: IntArray
    site: IntArray
    is_flat: bool

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.row_first) - 1

    def metres(self, distance_m: csr_array) -> FloatArray:
        """Metres of every saving by row, of the demand that stands for it."""
        row = np.repeat(self.row, np.diff(self.row_first))
        keys = np.repeat(np.arange(distance_m.shape[0]), np.diff(distance_m.indptr)) * distance_m.shape[1]
        at = np.searchsorted(keys + distance_m.indices, row * distance_m.shape[1] + self.site[self.row_site])
        found: FloatArray = distance_m.data[at]
        return found

    @property
    def top(self) -> FloatArray:
        """The most each row can save."""
        return np.maximum.reduceat(self.row_value, self.row_first[:-1]) if self.rows else np.empty(0)


def make_savings(value: csr_array, *, is_flat: bool) -> Savings:
    """Presolve: rows alike merged, empty ones dropped, sites dropped that another one beats in every row.

    Parameters
    ----------
    value
        Shape (n_row, n_site), savings >= 0 of the sites that may be chosen.
    """
    merged, row = merge_rows(_positive(value))
    by_site = merged.tocsc()
    by_site.sort_indices()
    kept = ~beaten(*_wide(by_site), *_wide(merged)[:2])
    merged = _positive(csr_array(merged[:, np.flatnonzero(kept)]))
    full = np.flatnonzero(np.diff(merged.indptr))
    merged = merged[full]
    return _both_ways(merged, row[full], np.flatnonzero(kept), is_flat=is_flat)


def keep_sites(savings: Savings, kept: IntArray) -> Savings:
    """Leave out all other sites, and rows that none of these saves."""
    shape = (savings.rows, len(savings.site))
    matrix = csr_array((savings.row_value, savings.row_site, savings.row_first), shape=shape)[:, kept]
    full = np.flatnonzero(np.diff(matrix.indptr))
    return _both_ways(csr_array(matrix[full]), savings.row[full], savings.site[kept], is_flat=savings.is_flat)


def _both_ways(value: csr_array, row: IntArray, site: IntArray, *, is_flat: bool) -> Savings:
    """Savings by row and by site."""
    by_site = value.tocsc()
    by_site.sort_indices()
    return Savings(*_wide(value), *_wide(by_site), row, site, is_flat)


def merge_rows(value: csr_array) -> tuple[csr_array, IntArray]:
    """Add up rows that save at the same sites in proportion, drop those without savings; also which row stands for each."""  # noqa: E501
    full = np.flatnonzero(np.diff(value.indptr))
    value = value[full]
    count = np.diff(value.indptr)
    if not len(count):
        return value, full
    peak = np.maximum.reduceat(value.data, value.indptr[:-1])
    share = value.data / np.repeat(peak, count)
    mark = np.random.default_rng(0).random((2, value.shape[1]))
    keys = [np.add.reduceat(share * one[value.indices], value.indptr[:-1]) for one in mark]
    order = np.lexsort((np.arange(len(count)), *keys, count))
    before = order[np.maximum(np.arange(len(order)) - 1, 0)]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = ~_alike(value, share, count, order[1:], before[1:])
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(is_new) - 1
    first = order[is_new]
    merged = csr_array(value[first])
    length = np.diff(merged.indptr)
    merged.data = merged.data / np.repeat(peak[first], length) * np.repeat(np.bincount(group, peak), length)
    return merged, full[first]


def _alike(value: csr_array, share: FloatArray, count: IntArray, one: IntArray, other: IntArray) -> BoolArray:
    """Tell which pairs of rows are equal, entry by entry."""
    same: BoolArray = count[one] == count[other]
    length = np.where(same, count[one], 0)
    step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    a, b = np.repeat(value.indptr[one], length) + step, np.repeat(value.indptr[other], length) + step
    differs = (value.indices[a] != value.indices[b]) | (share[a] != share[b])
    same[np.repeat(np.arange(len(one)), length)[differs]] = False
    return same


def _positive(value: csr_array) -> csr_array:
    """Drop savings of nothing."""
    kept = value.copy()
    kept.eliminate_zeros()
    kept.sort_indices()
    return kept


def _wide(matrix: csr_array | csc_array) -> tuple[IntArray, IntArray, FloatArray]:
    """Arrays of a compressed matrix as the kernels take them."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), np.ascontiguousarray(matrix.data)


@compiled
def beaten(  # noqa: C901
    first: IntArray,
    member: IntArray,
    value: FloatArray,
    member_first: IntArray,
    holder: IntArray,
) -> np.ndarray:
    """Tell which sets lie wholly in another with at least their values; of equal ones all but the first do."""
    count = len(first) - 1
    is_beaten = np.zeros(count, dtype=np.bool_)
    for one in range(count):
        if first[one + 1] == first[one]:
            is_beaten[one] = True
            continue
        rarest = member[first[one]]
        for k in range(first[one], first[one + 1]):
            i = member[k]
            if member_first[i + 1] - member_first[i] < member_first[rarest + 1] - member_first[rarest]:
                rarest = i
        for k in range(member_first[rarest], member_first[rarest + 1]):
            other = holder[k]
            size, other_size = first[one + 1] - first[one], first[other + 1] - first[other]
            if other == one or is_beaten[other] or other_size < size:
                continue
            at, end = first[other], first[other + 1]
            inside = True
            higher = other_size > size
            for q in range(first[one], first[one + 1]):
                while at < end and member[at] < member[q]:
                    at += 1
                if at == end or member[at] != member[q] or value[at] < value[q]:
                    inside = False
                    break
                higher |= value[at] > value[q]
            if inside and (higher or other < one):
                is_beaten[one] = True
                break
    return is_beaten

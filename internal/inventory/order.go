package inventory

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// place is where a row lies in the memory of a table.
type place uint32

// chunk is how much memory is taken at a time. A row lies in one.
const (
	chunkBits = 20
	chunk     = 1 << chunkBits
)

// memory keeps rows.
type memory struct {
	chunks [][]byte
	live   int // bytes of rows that are in use
	used   int // of all that were added
}

// add keeps a row; false if there is no room.
func (m *memory) add(r row) (place, bool) {
	size := binary.AppendUvarint(nil, uint64(len(r)))
	n := len(size) + len(r)
	last := len(m.chunks) - 1
	if last < 0 || len(m.chunks[last])+n > chunk {
		if n > chunk || last+1 >= 1<<(32-chunkBits) {
			return 0, false
		}
		m.chunks = append(m.chunks, make([]byte, 0, chunk))
		last++
	}
	at := place(last<<chunkBits | len(m.chunks[last]))
	m.chunks[last] = append(append(m.chunks[last], size...), r...)
	m.live += n
	m.used += n
	return at, true
}

func (m *memory) row(p place) row {
	c := m.chunks[p>>chunkBits]
	at := int(p & (chunk - 1))
	n, size := binary.Uvarint(c[at:])
	at += size
	return c[at : at+int(n) : at+int(n)]
}

// fetch has the processor bring rows into its cache, all at once: they lie anywhere, and
// read one after the other, each is waited for. Inlined, what nobody sums up would not
// be read.
//
//go:noinline
func (m *memory) fetch(places []place) (sum byte) {
	const line, usual = 64, 256 // bytes; few rows are larger
	for _, p := range places {
		c, at := m.chunks[p>>chunkBits], int(p&(chunk-1))
		for i := at; i < min(at+usual, len(c)); i += line {
			sum += c[i]
		}
	}
	return sum
}

// drop forgets a row. Its memory is free when the table is made anew.
func (m *memory) drop(p place) {
	n := len(m.row(p))
	m.live -= n + len(binary.AppendUvarint(nil, uint64(n)))
}

// order is all rows of a table, sorted, in blocks.
type order struct {
	compare func(a, b row) int
	blocks  [][]place // none is empty
}

// blockSize bounds a block: to insert moves this many places, and a table has a
// block for every few hundred rows.
const blockSize = 512

// fill takes sorted places.
func (o *order) fill(sorted []place) {
	const full = blockSize * 3 / 4
	o.blocks = make([][]place, 0, len(sorted)/full+1)
	for part := range slices.Chunk(sorted, full) {
		o.blocks = append(o.blocks, append(make([]place, 0, blockSize), part...))
	}
}

// cursor is a place between the rows of an order: before the row at it.
type cursor struct{ block, at int }

// find returns where the rows begin for which after holds; it holds for no row before
// one for which it does not.
func (o *order) find(m *memory, after func(row) bool) cursor {
	block, _ := slices.BinarySearchFunc(o.blocks, true, func(b []place, _ bool) int {
		if after(m.row(b[len(b)-1])) {
			return 1
		}
		return -1
	})
	if block == len(o.blocks) {
		return cursor{block, 0}
	}
	at, _ := slices.BinarySearchFunc(o.blocks[block], true, func(p place, _ bool) int {
		if after(m.row(p)) {
			return 1
		}
		return -1
	})
	return cursor{block, at}
}

func (o *order) insert(m *memory, p place) {
	r := m.row(p)
	c := o.find(m, func(other row) bool { return o.compare(other, r) > 0 })
	switch {
	case len(o.blocks) == 0:
		o.blocks = append(o.blocks, append(make([]place, 0, blockSize), p))
		return
	case c.block == len(o.blocks):
		c.block--
		c.at = len(o.blocks[c.block])
	}
	if len(o.blocks[c.block]) == blockSize {
		const half = blockSize / 2
		b := o.blocks[c.block]
		o.blocks = slices.Insert(o.blocks, c.block+1, append(make([]place, 0, blockSize), b[half:]...))
		o.blocks[c.block] = b[:half]
		if c.at > half {
			c.block, c.at = c.block+1, c.at-half
		}
	}
	o.blocks[c.block] = slices.Insert(o.blocks[c.block], c.at, p)
}

func (o *order) remove(m *memory, p place) {
	r := m.row(p)
	c := o.find(m, func(other row) bool { return o.compare(other, r) >= 0 })
	if c.block == len(o.blocks) || o.blocks[c.block][c.at] != p {
		return
	}
	if len(o.blocks[c.block]) == 1 {
		o.blocks = slices.Delete(o.blocks, c.block, c.block+1)
		return
	}
	o.blocks[c.block] = slices.Delete(o.blocks[c.block], c.at, c.at+1)
}

// The orders. Each ends with the id, so no two rows are equal.

func byID(a, b row) int { return bytes.Compare(a.id(), b.id()) }

func byCreated(a, b row) int {
	if c := cmp.Compare(a.created(), b.created()); c != 0 {
		return c
	}
	return byID(a, b)
}

func byUpdated(a, b row) int {
	if c := cmp.Compare(a.updated(), b.updated()); c != 0 {
		return c
	}
	return byID(a, b)
}

func byHostname(a, b row) int {
	if c := bytes.Compare(a.hostname(), b.hostname()); c != 0 {
		return c
	}
	return byID(a, b)
}

func byName(a, b row) int {
	if c := bytes.Compare(a.key(), b.key()); c != 0 {
		return c
	}
	return byCreated(a, b)
}

// Prefixes of the orders: where they differ, so do the orders. To compare them needs
// no row to be read.

func prefixOfTime(us int64) uint64 { return uint64(us) ^ 1<<63 }

func prefixOfText(b []byte) uint64 {
	var first [8]byte
	copy(first[:], b)
	return binary.BigEndian.Uint64(first[:])
}

// sorted sorts places.
func (m *memory) sorted(places []place, prefix func(row) uint64, compare func(a, b row) int) []place {
	type entry struct {
		prefix uint64
		place  place
	}
	entries := make([]entry, len(places))
	for i, p := range places {
		entries[i] = entry{prefix(m.row(p)), p}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return compare(m.row(a.place), m.row(b.place))
	})
	out := make([]place, len(entries))
	for i, e := range entries {
		out[i] = e.place
	}
	return out
}

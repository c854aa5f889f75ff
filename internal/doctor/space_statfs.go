//go:build linux || darwin

package doctor

import "golang.org/x/sys/unix"

// freeSpace is the room on the disk of path: what the server's user may still use,
// and all there is.
func freeSpace(path string) (free, size uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil //nolint:unconvert // their types differ by system
}

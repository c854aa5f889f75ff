package doctor

import "golang.org/x/sys/windows"

// freeSpace is the room on the disk of path: what the server's user may still use,
// and all there is.
func freeSpace(path string) (free, size uint64, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(name, &free, &size, nil)
	return free, size, err
}

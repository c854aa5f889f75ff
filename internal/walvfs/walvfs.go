// Package walvfs is the system's file access of SQLite, except that the
// write-ahead log is written in large pieces.
//
// SQLite writes each page of a commit by two system calls, the head of its frame
// and its content. That is most of what a commit of many pages costs beside the
// disk. Here they are collected, and written when SQLite asks for them to be made
// durable, or for anything else of the file.
//
// Other connections look at frames only after SQLite has told them of a commit,
// which it does after it has made them durable. So it must do that at each commit
// (synchronous=full, SQLite's default), or they would miss frames.
package walvfs

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Name is that of the VFS, for the parameter vfs of a data source name.
const Name = "freehold-wal"

// maxPiece is how many bytes are written at once. SQLite's own file access for
// Unix writes 128 KiB at most, and fails at more.
const maxPiece = 64 << 10

// Register makes the VFS known to SQLite. It may be called more than once.
var Register = sync.OnceValue(func() error {
	tls := libc.NewTLS() // for as long as the program runs, like the VFS
	system := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if system == 0 {
		return errors.New("SQLite has no file access")
	}
	name, err := libc.CString(Name)
	if err != nil {
		return err
	}
	own := allocate[sqlite3.Tsqlite3_vfs](tls)
	if own == 0 {
		return errors.New("no memory for a VFS of SQLite")
	}
	vfs := at[sqlite3.Tsqlite3_vfs](own)
	*vfs = *at[sqlite3.Tsqlite3_vfs](system)
	vfs.FzName = name
	systemOpen = function[openFunc](vfs.FxOpen)
	vfs.FxOpen = pointer(open)
	if code := sqlite3.Xsqlite3_vfs_register(tls, own, 0); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite refuses a VFS: code %d", code)
	}
	return nil
})

var systemOpen openFunc

type (
	openFunc    = func(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32
	closeFunc   = func(tls *libc.TLS, file uintptr) int32
	accessFunc  = func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32
	resizeFunc  = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc    = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizeFunc    = func(tls *libc.TLS, file, size uintptr) int32
	controlFunc = func(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32
)

// open opens a file. A write-ahead log gets methods of its own.
func open(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32 {
	code := systemOpen(tls, vfs, path, file, flags, outFlags)
	if code != sqlite3.SQLITE_OK || flags&sqlite3.SQLITE_OPEN_WAL == 0 {
		return code
	}
	own := allocate[sqlite3.Tsqlite3_io_methods](tls)
	f, m := at[sqlite3.Tsqlite3_file](file), at[sqlite3.Tsqlite3_io_methods](own)
	if own == 0 {
		function[closeFunc](at[sqlite3.Tsqlite3_io_methods](f.FpMethods).FxClose)(tls, file)
		return sqlite3.SQLITE_NOMEM
	}
	*m = *at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
	l := &log{methods: own}
	l.close, m.FxClose = function[closeFunc](m.FxClose), pointer(closeFile)
	l.read, m.FxRead = function[accessFunc](m.FxRead), pointer(read)
	l.write, m.FxWrite = function[accessFunc](m.FxWrite), pointer(write)
	l.truncate, m.FxTruncate = function[resizeFunc](m.FxTruncate), pointer(truncate)
	l.sync, m.FxSync = function[syncFunc](m.FxSync), pointer(syncFile)
	l.size, m.FxFileSize = function[sizeFunc](m.FxFileSize), pointer(size)
	l.control, m.FxFileControl = function[controlFunc](m.FxFileControl), pointer(control)
	logs.Lock()
	defer logs.Unlock()
	logs.of[file] = l
	f.FpMethods = own
	return code
}

// log is a write-ahead log that is open. SQLite uses a file by one thread at a
// time.
type log struct {
	methods uintptr // its own, in SQLite's memory

	waiting []byte // to be written
	offset  int64  // where waiting begins

	// The system's methods.
	close    closeFunc
	read     accessFunc
	write    accessFunc
	truncate resizeFunc
	sync     syncFunc
	size     sizeFunc
	control  controlFunc
}

// logs are all that are open, by their sqlite3_file.
var logs = struct {
	sync.RWMutex
	of map[uintptr]*log
}{of: make(map[uintptr]*log)}

func logOf(file uintptr) *log {
	logs.RLock()
	defer logs.RUnlock()
	return logs.of[file]
}

// flush writes what waits. What could not be written is forgotten: SQLite fails
// the commit that it is of, and writes over it.
func (l *log) flush(tls *libc.TLS, file uintptr) int32 {
	for done := 0; done < len(l.waiting); {
		piece := l.waiting[done:min(done+maxPiece, len(l.waiting))]
		if code := l.write(tls, file, uintptr(unsafe.Pointer(&piece[0])), int32(len(piece)), l.offset+int64(done)); code != sqlite3.SQLITE_OK {
			l.waiting = l.waiting[:0]
			return code
		}
		done += len(piece)
	}
	l.waiting = l.waiting[:0]
	return sqlite3.SQLITE_OK
}

func write(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if len(l.waiting) > 0 && (offset != l.offset+int64(len(l.waiting)) || len(l.waiting) >= maxPiece) {
		if code := l.flush(tls, file); code != sqlite3.SQLITE_OK {
			return code
		}
	}
	if len(l.waiting) == 0 {
		l.offset = offset
	}
	l.waiting = append(l.waiting, unsafe.Slice(at[byte](data), n)...)
	return sqlite3.SQLITE_OK
}

func read(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if code := l.flush(tls, file); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.read(tls, file, data, n, offset)
}

func truncate(tls *libc.TLS, file uintptr, size int64) int32 {
	l := logOf(file)
	if code := l.flush(tls, file); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.truncate(tls, file, size)
}

func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	l := logOf(file)
	if code := l.flush(tls, file); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.sync(tls, file, flags)
}

func size(tls *libc.TLS, file, size uintptr) int32 {
	l := logOf(file)
	if code := l.flush(tls, file); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.size(tls, file, size)
}

func control(tls *libc.TLS, file uintptr, op int32, arg uintptr) int32 {
	l := logOf(file)
	if code := l.flush(tls, file); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.control(tls, file, op, arg)
}

func closeFile(tls *libc.TLS, file uintptr) int32 {
	l := logOf(file)
	failed := l.flush(tls, file)
	logs.Lock()
	delete(logs.of, file)
	logs.Unlock()
	code := l.close(tls, file)
	libc.Xfree(tls, l.methods)
	if code != sqlite3.SQLITE_OK {
		return code
	}
	return failed
}

// allocate is room for a T in SQLite's memory, or 0.
func allocate[T any](tls *libc.TLS) uintptr {
	return libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*new(T))))
}

// at is what SQLite has at an address.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function and pointer convert between functions and what SQLite, which was
// translated from C, has of them.
func function[F any](pointer uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{pointer}))
}

func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

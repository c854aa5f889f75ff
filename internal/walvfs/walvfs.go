// Package walvfs is the system's file access of SQLite, except that the
// write-ahead log is written in large pieces.
//
// SQLite writes each page of a commit by two system calls, the head of its frame
// and its content, which is about half of what a commit of many pages costs beside
// the disk. Here they are collected, and written before anybody could miss them or
// write in their place: when SQLite asks for them to be made durable or for
// anything else of the file, when it tells other connections of a commit (the
// barrier of the shared memory), and when it gives up a lock, the one to write
// among them, also after a transaction that was rolled back.
//
// A failed write is noticed where SQLite makes a commit durable before it tells of
// it, so it must do that at each commit: synchronous=full, its default. SQLite may
// have been told before that what failed was written. So from then on everything
// about the log fails, until the transaction is given up.
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
	lockFunc    = func(tls *libc.TLS, file uintptr, offset, n, flags int32) int32
	barrierFunc = func(tls *libc.TLS, file uintptr)
)

// open opens a file. A write-ahead log gets methods of its own, and so does its
// database, whose file has the locks.
func open(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32 {
	code := systemOpen(tls, vfs, path, file, flags, outFlags)
	if code != sqlite3.SQLITE_OK || flags&sqlite3.SQLITE_OPEN_WAL == 0 {
		return code
	}
	database := sqlite3.Xsqlite3_database_file_object(tls, path)
	l := &log{file: file, database: database, methods: replace(tls, file), shared: replace(tls, database)}
	if l.methods.own == 0 || l.shared.own == 0 {
		l.restore(tls)
		function[closeFunc](methodsOf(file).FxClose)(tls, file)
		return sqlite3.SQLITE_NOMEM
	}
	m, d := methodsOf(file), methodsOf(database)
	l.close, m.FxClose = function[closeFunc](m.FxClose), pointer(closeFile)
	l.read, m.FxRead = function[accessFunc](m.FxRead), pointer(read)
	l.write, m.FxWrite = function[accessFunc](m.FxWrite), pointer(write)
	l.truncate, m.FxTruncate = function[resizeFunc](m.FxTruncate), pointer(truncate)
	l.sync, m.FxSync = function[syncFunc](m.FxSync), pointer(syncFile)
	l.size, m.FxFileSize = function[sizeFunc](m.FxFileSize), pointer(size)
	l.lock, d.FxShmLock = function[lockFunc](d.FxShmLock), pointer(lock)
	l.barrier, d.FxShmBarrier = function[barrierFunc](d.FxShmBarrier), pointer(barrier)
	logs.Lock()
	defer logs.Unlock()
	logs.of[file], logs.of[database] = l, l
	return code
}

// log is a write-ahead log that is open, of one connection. SQLite uses a
// connection by one thread at a time.
type log struct {
	file, database  uintptr  // sqlite3_file
	methods, shared replaced // of file, and of database

	waiting []byte // to be written
	offset  int64  // where waiting begins
	lost    bool   // something that waited: nothing may be built on what SQLite believes to be in the log

	// The system's methods.
	close    closeFunc
	read     accessFunc
	write    accessFunc
	truncate resizeFunc
	sync     syncFunc
	size     sizeFunc
	lock     lockFunc
	barrier  barrierFunc
}

// replaced are methods of a file, in SQLite's memory: its own, and the system's
// that all files have. own is 0 if there was no memory.
type replaced struct{ own, system uintptr }

// replace gives a file methods of its own, which are the system's at first.
func replace(tls *libc.TLS, file uintptr) replaced {
	f := at[sqlite3.Tsqlite3_file](file)
	r := replaced{allocate[sqlite3.Tsqlite3_io_methods](tls), f.FpMethods}
	if r.own != 0 {
		*at[sqlite3.Tsqlite3_io_methods](r.own) = *methodsOf(file)
		f.FpMethods = r.own
	}
	return r
}

// restore gives the files the system's methods again.
func (l *log) restore(tls *libc.TLS) {
	at[sqlite3.Tsqlite3_file](l.file).FpMethods = l.methods.system
	at[sqlite3.Tsqlite3_file](l.database).FpMethods = l.shared.system
	libc.Xfree(tls, l.methods.own)
	libc.Xfree(tls, l.shared.own)
}

func methodsOf(file uintptr) *sqlite3.Tsqlite3_io_methods {
	return at[sqlite3.Tsqlite3_io_methods](at[sqlite3.Tsqlite3_file](file).FpMethods)
}

// logs are all that are open, by their sqlite3_file and by that of their database.
var logs = struct {
	sync.RWMutex
	of map[uintptr]*log
}{of: make(map[uintptr]*log)}

func logOf(file uintptr) *log {
	logs.RLock()
	defer logs.RUnlock()
	return logs.of[file]
}

// flush writes what waits. What could not be written is lost, and SQLite must not
// go on with the transaction that it is of. So nothing is written from then on, until
// the transaction is given up.
func (l *log) flush(tls *libc.TLS) int32 {
	if l.lost {
		return sqlite3.SQLITE_IOERR_WRITE
	}
	for done := 0; done < len(l.waiting); {
		piece := l.waiting[done:min(done+maxPiece, len(l.waiting))]
		if code := l.write(tls, l.file, uintptr(unsafe.Pointer(&piece[0])), int32(len(piece)), l.offset+int64(done)); code != sqlite3.SQLITE_OK {
			l.waiting, l.lost = l.waiting[:0], true
			return code
		}
		done += len(piece)
	}
	l.waiting = l.waiting[:0]
	return sqlite3.SQLITE_OK
}

// flushFirst is flush before something else is done than to write. SQLite does not
// expect a full disk there, for which it may undo no more than a statement, where for a
// failed write it gives up the transaction.
func (l *log) flushFirst(tls *libc.TLS) int32 {
	if l.flush(tls) != sqlite3.SQLITE_OK {
		return sqlite3.SQLITE_IOERR_WRITE
	}
	return sqlite3.SQLITE_OK
}

func write(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if l.lost || len(l.waiting) > 0 && (offset != l.offset+int64(len(l.waiting)) || len(l.waiting) >= maxPiece) {
		if code := l.flush(tls); code != sqlite3.SQLITE_OK {
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
	if code := l.flushFirst(tls); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.read(tls, file, data, n, offset)
}

func truncate(tls *libc.TLS, file uintptr, size int64) int32 {
	l := logOf(file)
	if code := l.flushFirst(tls); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.truncate(tls, file, size)
}

func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	l := logOf(file)
	if code := l.flush(tls); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.sync(tls, file, flags)
}

func size(tls *libc.TLS, file, size uintptr) int32 {
	l := logOf(file)
	if code := l.flushFirst(tls); code != sqlite3.SQLITE_OK {
		return code
	}
	return l.size(tls, file, size)
}

// writeLock is the place of the lock that one connection has while it writes.
const writeLock = 0

// lock takes or gives up locks of a database. Whoever waits for one is to find
// everything written.
func lock(tls *libc.TLS, database uintptr, offset, n, flags int32) int32 {
	l := logOf(database)
	if flags&sqlite3.SQLITE_SHM_UNLOCK != 0 {
		l.flush(tls) // of what was committed, nothing waits; what was not may be lost
		if offset == writeLock {
			l.lost = false // with the transaction
		}
	}
	return l.lock(tls, database, offset, n, flags)
}

// barrier is between the two times that SQLite writes what others have to find
// equal before they look at a commit.
func barrier(tls *libc.TLS, database uintptr) {
	l := logOf(database)
	l.flush(tls) // with synchronous=full nothing waits
	l.barrier(tls, database)
}

func closeFile(tls *libc.TLS, file uintptr) int32 {
	l := logOf(file)
	failed := l.flush(tls)
	logs.Lock()
	delete(logs.of, l.file)
	delete(logs.of, l.database)
	logs.Unlock()
	l.restore(tls)
	if code := l.close(tls, file); code != sqlite3.SQLITE_OK {
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

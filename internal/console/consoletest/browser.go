// Package consoletest looks at the console's pages as people do: in Chromium, with
// axe-core as the judge of what everyone can use.
package consoletest

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// Update makes tests write the pictures that docs/images has.
var Update = flag.Bool("update-images", false, "write the screenshots of docs/images")

const (
	actionTimeout = 30 * time.Second // how long one step may take
	pollTimeout   = 3 * time.Second  // how long a page is asked at a time
)

// patience is how long a browser may take for a test: machines are busy.
const patience = 8 * time.Minute

// Browser is a tab of Chromium.
type Browser struct {
	context.Context
	t    testing.TB
	said *said
}

// said is what the page's console says: errors, and refusals of the content
// security policy.
type said struct {
	mu    sync.Mutex
	texts []string
}

// Open starts Chromium, and ends it with the test. Where there is no Chromium the
// test is skipped, or fails with CI=true. The race detector makes a browser wait, and
// has nothing to find in one page after the other.
func Open(t testing.TB) *Browser {
	t.Helper()
	if testenv.RaceDetector {
		t.Skip("one page after the other")
	}
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		missing(t, "chromium")
	}
	b := &Browser{t: t, said: &said{}}
	parent, stop := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	ctx, end := chromedp.NewContext(parent, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("force-prefers-reduced-motion", true), // colours are looked at as soon as they change
		chromedp.Flag("host-resolver-rules", "MAP *.localhost 127.0.0.1"),
	))
	b.Context = ctx
	t.Cleanup(func() { end(); stop() })
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1366, 860)); err != nil { // starts it, for as long as ctx lives
		t.Fatal(err)
	}
	b.allowClipboard()
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			text := m.String()
			b.said.mu.Lock()
			if strings.Contains(text, "the server responded with a status of 4") {
				text = "" // a form that was refused, or a page that says why not
			}
			if m.IsException() || strings.Contains(text, "Content Security Policy") || strings.Contains(text, "error") {
				b.said.texts = append(b.said.texts, text)
			}
			b.said.mu.Unlock()
		}
	}()
	return b
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", what)
	}
	t.Skipf("%s is missing", what)
}

// Do runs actions, which must not fail.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, actionTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.shot("failure.png")
		b.t.Fatalf("%v, at %s", err, b.At())
	}
}

// Go opens a page.
func (b *Browser) Go(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("#main")))
}

// Type replaces what is in a field.
func (b *Browser) Type(selector, text string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
	quoted, _ := json.Marshal(selector)
	b.Is("[document.querySelector(" + string(quoted) + ")].every((f) => { f.value = ''; return f.dispatchEvent(new Event('input', {bubbles: true})); })")
	if text != "" {
		b.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
	}
}

// Click clicks on something, once it is there.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
	b.Wait("true") // until the page's scripts, which may have a part in it, have run
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// WaitText waits until the page's content says text.
func (b *Browser) WaitText(text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(text)
	b.Wait("document.body.innerText.includes(" + string(quoted) + ")")
}

// Text is what the page says.
func (b *Browser) Text() string {
	b.t.Helper()
	text, err := chromedp.Run(b, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// violation is what axe finds wrong.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// Check fails the test for whatever axe finds on the page that is open, light
// at the width of a laptop and dark at that of a phone, and for what the browser's
// console has said so far.
func (b *Browser) Check(name string) {
	b.t.Helper()
	if _, err := chromedp.Run(b, chromedp.Evaluate[bool](axeSource(b.t)+";true")); err != nil {
		b.t.Fatal(err)
	}
	for _, look := range []struct {
		theme string
		width int64
	}{{"light", 1366}, {"dark", 390}} {
		b.Do(chromedp.EmulateViewport(look.width, 860))
		if _, err := chromedp.Run(b, chromedp.Evaluate[string]("document.documentElement.dataset.theme = '"+look.theme+"'")); err != nil {
			b.t.Fatal(err)
		}
		found, err := chromedp.Run(b, chromedp.Evaluate[[]violation](
			"axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}).then((r) => JSON.parse(JSON.stringify(r.violations)))", chromedp.EvalAwaitPromise))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, v := range found {
			for _, n := range v.Nodes {
				b.t.Errorf("%s, %s, %d pixels wide: %s: %s\n%s\n%s", name, look.theme, look.width, v.ID, v.Help, n.HTML, n.Summary)
			}
		}
		wider, err := chromedp.Run(b, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
		if err != nil || wider {
			b.t.Errorf("%s: wider than %d pixels (%v)", name, look.width, err)
		}
		b.shot(name + "-" + look.theme + "-" + strconv.FormatInt(look.width, 10) + ".png")
	}
	b.Do(chromedp.EmulateViewport(1366, 860))
	b.said.mu.Lock()
	defer b.said.mu.Unlock()
	for _, text := range b.said.texts {
		b.t.Errorf("%s: the browser's console says %s", name, text)
	}
	b.said.texts = nil
}

// Picture writes the page as it is into docs/images, if the test is run to do so.
func (b *Browser) Picture(name string) {
	b.t.Helper()
	if *Update {
		b.shotTo(filepath.Join(root(), "docs", "images", name))
	}
}

func (b *Browser) shot(name string) {
	if dir := os.Getenv("CONSOLE_SHOTS"); dir != "" {
		b.shotTo(filepath.Join(dir, name))
	}
}

func (b *Browser) shotTo(path string) {
	picture, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Error(err)
		return
	}
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		b.t.Error(err)
	}
}

// root is the folder of the project, above that of the package under test.
func root() string {
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if at, err := filepath.Abs(dir); err != nil || at == filepath.Dir(at) {
			return "." // what is looked for is not there
		}
	}
}

var axeOnce = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile(filepath.Join(root(), "interop", "node_modules", "axe-core", "axe.min.js"))
	return string(source), err
})

func axeSource(t testing.TB) string {
	t.Helper()
	source, err := axeOnce()
	if err != nil {
		missing(t, "axe-core: run npm ci --prefix interop")
	}
	return source
}

// Press types a key at the page, not into a field.
func (b *Browser) Press(key string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		for _, r := range key {
			events := kb.Encode(r)
			if len(events) == 3 { // down, character, up: a page that keeps the first from typing keeps it from both
				events[0].Text, events[0].UnmodifiedText = events[1].Text, events[1].UnmodifiedText
				events = []*input.DispatchKeyEventParams{events[0], events[2]}
			}
			for _, e := range events {
				if _, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, *e); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

package consoletest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Keys that are not letters, for Press.
const (
	Tab        = kb.Tab
	Enter      = kb.Enter
	Escape     = kb.Escape
	ArrowRight = kb.ArrowRight
)

// allowClipboard lets pages read and write what is copied, as people are asked to
// let them.
func (b *Browser) allowClipboard() {
	b.t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			})
			return err
		}))
	}
}

// For is the same tab for a part of the test.
func (b *Browser) For(t testing.TB) *Browser {
	part := *b
	part.t = t
	return &part
}

// DoubleClick clicks twice on something, before the first click can have had any
// effect on the page.
func (b *Browser) DoubleClick(selector string) {
	b.t.Helper()
	quoted, _ := json.Marshal(selector)
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
	if _, err := chromedp.Run(b, chromedp.Evaluate[bool]("(() => { const on = document.querySelector("+string(quoted)+"); on.click(); on.click(); return true; })()")); err != nil {
		b.t.Fatal(err)
	}
}

// Back goes back in the browser's history, to the page at path.
func (b *Browser) Back(path string) {
	b.t.Helper()
	quoted, _ := json.Marshal(path)
	b.Is("setTimeout(() => history.back())") // the browser may have the page still: then it doesn't load
	b.Wait("location.pathname === " + string(quoted) + " && document.querySelector('#main')")
}

// Drag drags one thing onto another with the mouse.
func (b *Browser) Drag(from, to string) {
	b.t.Helper()
	b.Do(chromedp.DragAndDrop(chromedp.CSS(from), chromedp.CSS(to)))
}

// Select chooses an option of a list by its value.
func (b *Browser) Select(selector, value string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.SetValue(chromedp.CSS(selector), value))
}

// Focus moves the focus to something, as Tab does.
func (b *Browser) Focus(selector string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Focus(chromedp.CSS(selector)))
}

// Write types into what has the focus.
func (b *Browser) Write(text string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(text))
}

// PressWith types a key while others are held.
func (b *Browser) PressWith(key string, held ...kb.Modifier) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(key, chromedp.KeyModifiers(held...)))
}

// TabTo presses Tab until what matches the selector has the focus: whoever has no
// mouse gets there.
func (b *Browser) TabTo(selector string) {
	b.t.Helper()
	quoted, _ := json.Marshal(selector)
	for range 120 {
		b.Press(Tab)
		if b.Is("document.activeElement?.matches(" + string(quoted) + ")") {
			return
		}
	}
	b.t.Fatalf("Tab does not lead to %s", selector)
}

// Is evaluates a condition in the page.
func (b *Browser) Is(condition string) bool {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, actionTimeout)
	defer cancel()
	is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
	if err != nil {
		b.t.Fatal(err)
	}
	return is
}

// Wait waits until the page has loaded, its scripts have run, and a condition holds
// in it.
func (b *Browser) Wait(condition string) {
	b.t.Helper()
	whole, end := context.WithTimeout(b, actionTimeout)
	defer end()
	holds := "document.readyState === 'complete' && !!(" + condition + ")"
	err := errors.New("not asked")
	for err != nil && whole.Err() == nil { // a page that is left may take the question along
		ctx, cancel := context.WithTimeout(whole, 2*pollTimeout)
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](holds, chromedp.WithPollingTimeout(pollTimeout)))
		cancel()
		if err != nil && whole.Err() == nil { // one that comes out of the history may not hear it, but can be asked anew
			if is, asked := chromedp.Run(whole, chromedp.Evaluate[bool](holds)); asked == nil && is {
				return
			}
		}
	}
	if err != nil {
		b.shot("failure.png")
		b.t.Fatalf("waiting for %s: %v\n%s", condition, err, b.Text())
	}
}

// Words are the texts of all that matches a selector.
func (b *Browser) Words(selector string) []string {
	b.t.Helper()
	quoted, _ := json.Marshal(selector)
	words, err := chromedp.Run(b, chromedp.Evaluate[[]string]("[...document.querySelectorAll("+string(quoted)+")].map((e) => e.innerText.trim())"))
	if err != nil {
		b.t.Fatal(err)
	}
	return words
}

// Typed is what stands in a field.
func (b *Browser) Typed(selector string) string {
	b.t.Helper()
	value, err := chromedp.Run(b, chromedp.Value(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// Clipboard is what was copied.
func (b *Browser) Clipboard() string {
	b.t.Helper()
	text, err := chromedp.Run(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

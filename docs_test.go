// Package freehold_test checks that the project's documents tell the truth
// about its files.
package freehold_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	linkTo   = regexp.MustCompile(`\]\(([^)\s#]+)(?:#[^)]*)?\)`)

	// A path of the project starts with a name and goes on below it, or is a
	// file that lies at the root by custom.
	pathBelow  = regexp.MustCompile(`^\.?[A-Za-z0-9][\w.@*-]*/[\w.@*/-]*$`)
	pathAtRoot = regexp.MustCompile(`^([A-Z]+\.md|LICENSE|Makefile|go\.mod|\.golangci\.yml)$`)

	makeCommand = regexp.MustCompile(`(?:^|&& )make ([a-z][a-z-]*)`)
	goCommand   = regexp.MustCompile(`(?:^|&& )go (?:run|build|test|vet|install) .*?(?:^|\s)(\./[\w./-]*)`)
	bashCommand = regexp.MustCompile(`(?:^|&& )bash ([\w./-]+)`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// document is a Markdown file, taken apart.
type document struct {
	path  string
	spans []string // code spans in running text
	lines []string // lines of code blocks
	links []string
}

// TestDocs_Paths fails for a back-quoted path that is not in the project.
func TestDocs_Paths(t *testing.T) {
	for _, doc := range documents(t) {
		for _, span := range doc.spans {
			switch {
			case strings.Contains(span, "NNNN"): // stands for a number
			case pathAtRoot.MatchString(span):
				requireFile(t, doc, span)
			case pathBelow.MatchString(span) && atRoot(strings.SplitN(span, "/", 2)[0]):
				requireFile(t, doc, span)
			}
		}
	}
}

// TestDocs_Commands fails for a command on a make target, package or script
// that does not exist.
func TestDocs_Commands(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, match := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[match[1]] = true
	}
	for _, doc := range documents(t) {
		for _, command := range append(doc.spans, doc.lines...) {
			command = strings.TrimPrefix(strings.TrimSpace(command), "$ ")
			for _, match := range makeCommand.FindAllStringSubmatch(command, -1) {
				if !targets[match[1]] {
					t.Errorf("%s: `%s`: the Makefile has no target %s", doc.path, command, match[1])
				}
			}
			for _, match := range goCommand.FindAllStringSubmatch(command, -1) {
				requireFile(t, doc, strings.TrimSuffix(match[1], "..."))
			}
			for _, match := range bashCommand.FindAllStringSubmatch(command, -1) {
				requireFile(t, doc, match[1])
			}
		}
	}
}

// TestDocs_Links fails for a relative link that leads nowhere.
func TestDocs_Links(t *testing.T) {
	for _, doc := range documents(t) {
		for _, link := range doc.links {
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			requireFile(t, doc, filepath.Join(filepath.Dir(doc.path), link))
		}
	}
}

// documents reads every Markdown file of the project.
func documents(t *testing.T) []document {
	t.Helper()
	var docs []document
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || entry.Name() == ".git"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		docs = append(docs, parse(path, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) == 0 {
		t.Fatal("found no documents")
	}
	return docs
}

func parse(path, text string) document {
	doc := document{path: path}
	inBlock := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inBlock = !inBlock
			continue
		}
		if inBlock {
			doc.lines = append(doc.lines, line)
			continue
		}
		for _, match := range codeSpan.FindAllStringSubmatch(line, -1) {
			doc.spans = append(doc.spans, match[1])
		}
		for _, match := range linkTo.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
			doc.links = append(doc.links, match[1])
		}
	}
	return doc
}

// requireFile fails unless path, which may be a pattern, is there.
func requireFile(t *testing.T, doc document, path string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Clean(path))
	if err != nil {
		t.Errorf("%s: %q: %v", doc.path, path, err)
	}
	if len(found) == 0 {
		t.Errorf("%s: there is no %s", doc.path, path)
	}
}

// atRoot tells whether the project has name at its root. What builds and runs
// leave there is not of the project.
func atRoot(name string) bool {
	if name == "bin" || name == "freehold-data" {
		return false
	}
	_, err := os.Stat(name)
	return err == nil
}

package httpapi

import (
	"net/url"
	"strconv"

	"github.com/freehold-platform/freehold/internal/paging"
)

// flagIn reads a parameter that is true or false, or True or False, as Python writes it.
// An empty one is not given.
func flagIn(query url.Values, name string) (value, given bool, err error) {
	switch query.Get(name) {
	case "":
		return false, false, nil
	case "true", "True":
		return true, true, nil
	case "false", "False":
		return false, true, nil
	}
	return false, false, paging.BadParameter(name, name+" must be true or false")
}

// limitIn reads how many rows a page may have, at least one.
func limitIn(query url.Values) (int, error) { return limitFrom(query, 1) }

// limitFrom is limitIn with another least number.
func limitFrom(query url.Values, least int) (int, error) {
	if !query.Has("limit") {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < least || limit > maxLimit {
		return 0, paging.BadParameter("limit", "limit must be a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(maxLimit))
	}
	return limit, nil
}

// filterBy is a filter, narrowed by the parameters for single attributes that are there.
func filterBy(query url.Values, text string, attributes ...string) string {
	for _, name := range attributes {
		if value := query.Get(name); value != "" {
			text = paging.Narrowed(text, name, "eq", value)
		}
	}
	return text
}

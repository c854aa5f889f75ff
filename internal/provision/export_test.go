package provision

import (
	"time"

	"github.com/freehold-platform/freehold/internal/outbound"
)

// SetCallTimeout has the service wait less for a provisioner than CallTimeout.
func (s *Service) SetCallTimeout(d time.Duration) { s.poster = outbound.NewPoster(s.guard, d) }

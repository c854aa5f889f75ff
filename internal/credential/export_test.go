package credential

// JournalAlways has all use go through the journal, not only that of very many
// clients.
func (s *Service) JournalAlways() { s.usage.atOnce = 0 }

package tenancy

// PurgeByBothClocks is what Run does each time.
var PurgeByBothClocks = (*Service).purgeByBothClocks

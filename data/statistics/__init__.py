"""Statistics of cases: parts and indicators as data, counted from `case_course`; recurring problems found in it."""

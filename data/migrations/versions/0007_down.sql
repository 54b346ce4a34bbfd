-- 0007 undone: price and meals go back to the free attributes.
UPDATE facility SET attributes = attributes || jsonb_strip_nulls(jsonb_build_object('price', price, 'meals_per_day', meals_per_day))
WHERE price IS NOT NULL OR meals_per_day IS NOT NULL;
ALTER TABLE facility DROP COLUMN price, DROP COLUMN price_note, DROP COLUMN meals_per_day, DROP COLUMN meals, DROP COLUMN delivers_to;
DROP TABLE calendar_day, service_item;
DROP FUNCTION announce_facilities, public_grid, middle_street;

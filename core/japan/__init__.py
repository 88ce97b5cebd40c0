"""Japan: calendar, text, numbers, prefectures, industries. Plain Python, no Django."""

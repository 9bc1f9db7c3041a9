/** The id of a document. The dots of a primary key lead into objects or are part of a name, as `document_id.rs` of the server has it. */
export function documentId(document, primaryKey) {
  if (document === null || typeof document !== "object" || Array.isArray(document)) return undefined;
  if (Object.hasOwn(document, primaryKey)) return document[primaryKey];
  for (const [key, value] of Object.entries(document)) {
    const id = key && primaryKey.startsWith(`${key}.`) ? documentId(value, primaryKey.slice(key.length + 1)) : undefined;
    if (id !== undefined) return id;
  }
  return undefined;
}

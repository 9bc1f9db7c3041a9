//! Settings, and the rebuild from the index's own documents that some of them demand.

use onggi_domain::settings::{Settings, SettingsPatch};
use tantivy::{DocAddress, Searcher};

use super::{Applied, Indexer, known};
use crate::{
    Error, Result, analysis,
    analysis::Analyzer,
    document::{DocumentReader, Refusal},
    state::{EngineState, searches_all},
};

impl Indexer {
    /// Changes settings, and rebuilds if what is indexed depends on the change.
    pub(super) fn update_settings(&mut self, patch: &SettingsPatch) -> Result<Applied> {
        let settings = match patch.validate().and_then(|()| self.state.settings.patched(patch)) {
            Ok(settings) => settings,
            Err(error) => return Ok(Err(error)),
        };
        let details = serde_json::to_value(patch).map_err(|error| Error::Damaged { what: "a patch".to_owned(), why: error.to_string() })?;
        if self.outdated || self.must_rebuild(&settings) {
            self.rebuild(Some(settings))?;
        } else {
            self.state.settings = settings;
        }
        Ok(Ok(super::details(&details)))
    }

    /// Whether the documents would be indexed differently. Columns that are no longer asked for may stay.
    fn must_rebuild(&self, settings: &Settings) -> bool {
        let wanted = EngineState::new(settings, &self.analyzer(settings));
        let engine = &self.reader.engine;
        wanted.analysis != engine.analysis
            || settings.searchable_attributes != self.state.settings.searchable_attributes
            || wanted.columns.iter().any(|pattern| !engine.columns.contains(pattern))
    }

    fn analyzer(&self, settings: &Settings) -> Analyzer {
        Analyzer::new(settings, self.options.dictionaries.as_deref())
    }

    /// Indexes every document anew, with these settings or the ones in force.
    ///
    /// A document whose `_geo` would be refused today keeps its place without a point: it was accepted when nothing used it.
    pub(super) fn rebuild(&mut self, settings: Option<Settings>) -> Result<()> {
        self.local_commit()?;
        let source = self.open.searcher();
        if let Some(settings) = settings {
            self.state.settings = settings;
        }
        let analyzer = self.analyzer(&self.state.settings);
        let mut engine = EngineState::new(&self.state.settings, &analyzer);
        if searches_all(&self.state.settings) {
            engine.attributes = self.reader.fields.keys().cloned().collect();
        }
        let fields = std::mem::take(&mut self.reader.fields);
        self.clear()?;
        analysis::register_words(&self.open.index, &analyzer);
        self.reader = DocumentReader::new(&self.state.settings, analyzer, engine, fields, self.options.limits.fields);
        self.add_all(&source)?;
        self.outdated = false;
        self.local_commit()
    }

    fn add_all(&mut self, source: &Searcher) -> Result<()> {
        let primary_key = self.state.primary_key.clone().unwrap_or_default();
        for (segment, reader) in source.segment_readers().iter().enumerate() {
            for document in reader.doc_ids_alive() {
                let address = DocAddress::new(segment as u32, document);
                let raw = known::raw(source, address)?;
                let damaged = |why: String| Error::Damaged { what: "a stored document".to_owned(), why };
                let json = std::str::from_utf8(&raw).map_err(|error| damaged(error.to_string()))?;
                if let Err(Refusal::Damaged(why)) = self.reader.read(json, &primary_key, &mut self.parsed) {
                    return Err(damaged(why));
                }
                self.add(&raw, known::ord(source, address)?)?;
            }
        }
        Ok(())
    }
}

//! The words after a command's name. Each command takes what it knows; what is left over is an error.

use anyhow::{Result, bail};

/// Command-line words that no command has taken yet.
pub(crate) struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Takes a switch such as `--fast`; true if it was given.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let Some(position) = self.words.iter().position(|word| word == name) else { return false };
        self.words.remove(position);
        true
    }

    /// Takes an option with a value, `--only rust` or `--only=rust`.
    pub(crate) fn option(&mut self, name: &str) -> Result<Option<String>> {
        let prefix = format!("{name}=");
        if let Some(position) = self.words.iter().position(|word| word.starts_with(&prefix)) {
            return Ok(Some(self.words.remove(position)[prefix.len()..].to_owned()));
        }
        let Some(position) = self.words.iter().position(|word| word == name) else { return Ok(None) };
        self.words.remove(position);
        if position >= self.words.len() {
            bail!("{name} needs a value");
        }
        Ok(Some(self.words.remove(position)))
    }

    /// Takes everything that is left, for commands that pass words on.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut words = std::mem::take(&mut self.words);
        words.retain(|word| word != "--");
        words
    }

    /// Refuses words that nobody took.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => bail!("unexpected argument `{word}`; add --help to see what the command takes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::new(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn an_option_takes_its_value_in_both_forms() {
        for words in [&["--only", "rust"][..], &["--only=rust"][..]] {
            let mut given = arguments(words);
            assert_eq!(given.option("--only").unwrap().as_deref(), Some("rust"));
            given.finish().unwrap();
        }
    }

    #[test]
    fn an_option_without_a_value_is_refused() {
        assert!(arguments(&["--only"]).option("--only").is_err());
    }

    #[test]
    fn words_that_nobody_took_are_refused() {
        let mut given = arguments(&["--fast", "--fats"]);
        assert!(given.switch("--fast"));
        assert!(given.finish().is_err());
    }
}

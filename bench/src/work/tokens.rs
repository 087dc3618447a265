//! Workloads over tokens: checking many, rotating refresh tokens.

use std::collections::VecDeque;

use anyhow::{Result, ensure};

use super::{Work, member, request};
use crate::connection::Answer;

/// A list of requests, taken in a scattered order.
pub struct Many {
    list: Vec<Vec<u8>>,
    at: usize,
    step: usize,
    contains: &'static str,
    created: bool,
}

impl Many {
    /// A workload over `list`.
    pub fn new(list: Vec<Vec<u8>>, contains: &'static str) -> Self {
        // A step without common divisor with the length visits all of them before any comes again.
        let step = (1..list.len())
            .rev()
            .find(|step| gcd(*step, list.len()) == 1 && *step < list.len() * 2 / 3)
            .unwrap_or(1);
        Self { list, at: 0, step, contains, created: false }
    }

    /// Each answer says that something was made: 201, or 200 from the floor program.
    pub fn created(self) -> Self {
        Self { created: true, ..self }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Work for Many {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        self.at = (self.at + self.step) % self.list.len();
        out.extend_from_slice(&self.list[self.at]);
        true
    }

    fn answer(&mut self, _: usize, answer: &Answer<'_>) -> Result<bool> {
        let right = answer.status == 200 || (self.created && answer.status == 201);
        let body = String::from_utf8_lossy(answer.body);
        ensure!(right, "status {}: {body}", answer.status);
        ensure!(body.contains(self.contains), "the answer does not contain {:?}", self.contains);
        Ok(true)
    }
}

/// Refresh rotation: each connection rotates its own token.
pub struct Chain {
    path: String,
    headers: String,
    tokens: Vec<String>,
}

impl Chain {
    /// A workload that starts from `tokens`, one for each connection.
    pub fn new(path: &str, headers: String, tokens: Vec<String>) -> Self {
        Self { path: path.to_owned(), headers, tokens }
    }
}

impl Work for Chain {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let body = format!("grant_type=refresh_token&refresh_token={}", self.tokens[connection]);
        out.extend_from_slice(&request("POST", &self.path, &self.headers, &body));
        true
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        ensure!(answer.status == 200, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        let token = member(answer.body, "refresh_token")?;
        ensure!(token != self.tokens[connection], "the refresh token was not rotated");
        self.tokens[connection] = token;
        Ok(true)
    }
}

/// Refresh rotation over a whole table: each request takes the token that has rested longest, and its successor goes to
/// the end.
pub struct Carousel {
    headers: String,
    resting: VecDeque<String>,
    /// What each connection is rotating.
    taken: Vec<String>,
}

impl Carousel {
    /// A workload that starts from `tokens`, of which there are more than connections.
    pub fn new(headers: String, tokens: Vec<String>, connections: usize) -> Self {
        Self { headers, resting: tokens.into(), taken: vec![String::new(); connections] }
    }
}

impl Work for Carousel {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        self.taken[connection] = self.resting.pop_front().unwrap_or_default();
        let body = format!("grant_type=refresh_token&refresh_token={}", self.taken[connection]);
        out.extend_from_slice(&request("POST", "/oauth/token", &self.headers, &body));
        true
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        ensure!(answer.status == 200, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        let token = member(answer.body, "refresh_token")?;
        ensure!(token != self.taken[connection], "the refresh token was not rotated");
        self.resting.push_back(token);
        Ok(true)
    }
}
